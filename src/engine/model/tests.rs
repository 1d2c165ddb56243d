//! What can be tested of a store without a network.

use super::*;

#[test]
fn an_empty_store_says_how_to_fill_it() {
    let store = ModelStore::at(tempfile::tempdir().unwrap().path());
    let ModelStatus::Missing { remedy } = store.status(&BASE) else { panic!("nothing is there") };
    assert!(remedy.contains("symbl-bridge model install --model base"), "{remedy}");
    assert!(store.verify(&BASE).is_err());
}

#[test]
fn a_file_of_the_right_size_and_the_wrong_content_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = ModelStore::at(dir.path());
    fs::create_dir(store.path_of(&TINY)).unwrap();
    for file in TINY.files {
        let hollow = fs::File::create(store.path_of(&TINY).join(file.name)).unwrap();
        hollow.set_len(file.bytes).unwrap();
    }
    assert!(matches!(store.status(&TINY), ModelStatus::Present { .. }));
    assert!(matches!(store.verify(&TINY), Err(VerifyError::WrongHash { .. })));
}

#[test]
fn the_catalogue_is_consistent() {
    for model in MODELS {
        assert_eq!(Model::named(model.name), Some(*model));
        for file in model.files {
            assert_eq!(file.sha256.len(), 64);
            assert!(!file.name.contains('/') && file.bytes > 0);
        }
    }
    assert_eq!(BASE.packages().len(), 2);
    assert_eq!(Model::named("large"), None);
}
