// SPDX-License-Identifier: Apache-2.0
// Checkpoints that others publish and Limber can import. Layer: formats.
#pragma once
#include <string>
#include <vector>

#include "formats/download.h"

namespace limber {

struct PublishedModel {
  std::string name;
  RemoteFile file;  // without a checksum where its authors published none
  std::string architecture, mapping;
  std::string what;  // one line for people
};

const std::vector<PublishedModel>& published_models();
const PublishedModel& published_model(const std::string& name);  // fails listing the legal names

// Downloads into folder/NAME and returns the path. sha256: demanded of the file; empty: the published checksum, and
// where there is none, the one that was recorded beside the file (FILE.sha256) when it was downloaded first. Fails as
// download() does; *recorded is set when the checksum was taken on trust by this very call.
std::string download_model(const PublishedModel& model, const std::string& folder, const std::string& sha256,
                           bool* recorded, const Progress& progress = {});

}  // namespace limber
