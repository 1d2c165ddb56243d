//! What a browser is served.

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use actix_web::test::{TestRequest, call_service, init_service, read_body};

use super::*;

macro_rules! served {
    ($request:expr) => {{
        let dashboard = Data::new(Dashboard::new(None));
        let app = init_service(App::new().configure(|routes| configure(routes, dashboard))).await;
        call_service(&app, $request.to_request()).await
    }};
}

#[actix_web::test]
async fn the_page_comes_with_a_policy_and_its_modules_with_their_type() {
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/dashboard/index.html", "text/html; charset=utf-8"),
        ("/dashboard/main.js", "text/javascript; charset=utf-8"),
        ("/dashboard/styles.css", "text/css; charset=utf-8"),
        ("/dashboard/icon.svg", "image/svg+xml"),
    ] {
        let response = served!(TestRequest::get().uri(path).insert_header(("Host", "b.example.com")));
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), content_type, "{path}");
        assert_eq!(response.headers().get(X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
        assert_eq!(response.headers().get(REFERRER_POLICY).unwrap(), "no-referrer");
        let policy = response.headers().get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
        assert!(policy.ends_with("connect-src 'self' ws://b.example.com wss://b.example.com"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[actix_web::test]
async fn a_browser_that_has_the_file_is_not_sent_it_again() {
    let first = served!(TestRequest::get().uri("/"));
    let etag = first.headers().get(ETAG).unwrap().to_str().unwrap().to_owned();
    for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
        let again = served!(TestRequest::get().uri("/").insert_header(("If-None-Match", known.as_str())));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(again.headers().get(ETAG).unwrap(), etag.as_str());
        assert!(read_body(again).await.is_empty());
    }
    let stale = served!(TestRequest::get().uri("/").insert_header(("If-None-Match", "\"old\"")));
    assert_eq!(stale.status(), StatusCode::OK);
}

#[actix_web::test]
async fn there_is_nothing_but_the_files_of_the_page() {
    for path in ["/dashboard/", "/dashboard/none.js", "/dashboard/..%2fmod.rs", "/dashboard/page/main.js"] {
        assert_eq!(served!(TestRequest::get().uri(path)).status(), StatusCode::NOT_FOUND, "{path}");
    }
}

/// The policy forbids both, and a page that has them would be broken by it only in the browser.
#[test]
fn the_page_has_no_inline_script_and_no_inline_style() {
    let page = include_str!("page/index.html");
    assert!(!page.contains("style="), "a style attribute");
    assert!(!page.contains("<style"), "a style element");
    for script in page.split("<script").skip(1) {
        let (attributes, rest) = script.split_once('>').unwrap();
        assert!(attributes.contains("src="), "an inline script");
        assert!(rest.starts_with("</script>"), "an inline script");
    }
}
