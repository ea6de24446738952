// SPDX-License-Identifier: Apache-2.0
#include "formats/published_model.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/mapped_file.h"

namespace limber {

namespace fs = std::filesystem;

const std::vector<PublishedModel>& published_models() {
  static const std::string ofa = "https://raw.githubusercontent.com/han-cai/files/master/ofa/ofa_nets/";
  // The first two checksums are git's own names for the files in their authors' repository, the last one's beginning
  // is part of its file name.
  static const std::vector<PublishedModel> models = {
      {"ofa-mbv3-w1.0",
       {"ofa_mbv3_d234_e346_k357_w1.0", ofa + "ofa_mbv3_d234_e346_k357_w1.0",
        "55d835981d8acd1053657a951b18887a724ddcbf"},
       "ofa-mobilenetv3-w1.0",
       "ofa",
       "Once-for-All MobileNetV3, ImageNet (Cai et al. 2020)"},
      {"ofa-mbv3-w1.2",
       {"ofa_mbv3_d234_e346_k357_w1.2", ofa + "ofa_mbv3_d234_e346_k357_w1.2",
        "d75a3613bae216091f61fc4b7df77d49cc82ed32"},
       "ofa-mobilenetv3-w1.2",
       "ofa",
       "the same, 1.2 times as wide: what Dynamic-OFA uses"},
      {"ofa-resnet50",
       {"ofa_supernet_resnet50", "https://huggingface.co/han-cai/ofa/resolve/main/ofa_supernet_resnet50", ""},
       "ofa-resnet50",
       "ofa",
       "Once-for-All ResNet-50, ImageNet"},
      {"resnet50",
       {"resnet50-0676ba61.pth", "https://download.pytorch.org/models/resnet50-0676ba61.pth", "0676ba61"},
       "resnet50",
       "torchvision",
       "torchvision's ResNet-50, ImageNet, not elastic"}};
  return models;
}

const PublishedModel& published_model(const std::string& name) {
  std::vector<std::string> legal;
  for (const PublishedModel& model : published_models()) {
    if (model.name == name) return model;
    legal.push_back(model.name);
  }
  fail(ErrorCode::kInvalidArgument, "no model '{}' to get; legal: {}", name, fmt::join(legal, ", "));
}

std::string download_model(const PublishedModel& model, const std::string& folder, const std::string& sha256_text,
                           bool* recorded, const Progress& progress) {
  if (!sha256_text.empty() &&
      (sha256_text.size() != 64 || sha256_text.find_first_not_of("0123456789abcdef") != std::string::npos)) {
    fail(ErrorCode::kInvalidArgument, "'{}' is no SHA-256: legal are 64 digits of 0-9a-f", sha256_text);
  }
  const std::string path = folder + "/" + model.name + "/" + model.file.name, record = path + ".sha256";
  RemoteFile file = model.file;
  if (!sha256_text.empty()) file.checksum = sha256_text;
  if (file.checksum.empty() && fs::exists(record)) {
    const MappedFile stored(record);
    file.checksum.assign(reinterpret_cast<const char*>(stored.bytes().data()),
                         std::min<std::size_t>(stored.size(), 64));
  }
  *recorded = file.checksum.empty();
  download(file, path, progress);
  if (*recorded) {
    AtomicFile out(record);
    out.write(sha256(MappedFile(path).bytes()));
    out.commit();
  }
  return path;
}

}  // namespace limber
