// SPDX-License-Identifier: Apache-2.0
// Fetches canonical data sets and published checkpoints: resumes, verifies, then renames into place. Layer: formats.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace limber {

// Bytes there so far, and expected (0: the server did not say). Called a few times a second; returning false stops.
using Progress = std::function<bool(const std::string& file, int64_t done, int64_t total)>;

struct RemoteFile {
  std::string name;  // in the data set's folder
  std::string url;   // http, https or file
  // Lower-case hexadecimal, whatever was published: SHA-256 (64 digits, or at least its first 8), MD5 (32), or the name
  // that git gives the content (40: SHA-1 of "blob SIZE", a zero byte and the bytes). Empty: nothing is known.
  std::string checksum;
};

struct RemoteDataSet {
  std::string name;
  std::vector<RemoteFile> files;
  std::string
      unpack;  // name of the archive among the files that is unpacked into the folder, then removed; may be empty
};

const std::vector<RemoteDataSet>& remote_data_sets();
const RemoteDataSet& remote_data_set(const std::string& name);  // fails listing the legal names

// Writes PATH.part first and continues one that a broken download left; the file appears at `path` only when its
// checksum is right. A file with the right checksum that is there already is kept without asking the server. Without a
// checksum whatever is at `path` is kept, and a part is not continued: nothing would tell whether it fits. Fails with
// kIo (network, disk; the part stays and the message says so), kNotFound (the server has no such file) or kBadFile
// (wrong checksum; the part is removed). While another process downloads into the same folder: kIo.
void download(const RemoteFile& file, const std::string& path, const Progress& progress = {});

// $XDG_CACHE_HOME/limber/KIND or ~/.cache/limber/KIND: where downloads of a kind ("data", "models") are kept.
std::string cache_directory(const std::string& kind);

// All files into folder/NAME, archives unpacked. Returns that folder. Entries that would leave it are refused.
std::string download_data_set(const RemoteDataSet& set, const std::string& folder, const Progress& progress = {});

}  // namespace limber
