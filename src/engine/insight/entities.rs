//! Personal and payment data in what people say.
