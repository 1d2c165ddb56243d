//! Mu-law, resampling, WAV. Pure: bytes and samples in, bytes and samples out.
