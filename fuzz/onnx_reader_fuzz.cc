// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the ONNX import. Raw mutations die in protobuf, so most are of one value somewhere in the parsed
// file: a number, a name (often another one of the same file), a list's length, a node.
#include <google/protobuf/message.h>
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "onnx_reader.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Place {
  Message* message;
  const FieldDescriptor* field;
  int index;  // -1: not repeated
};

void collect(Message* message, std::vector<Place>* places, std::vector<std::string>* texts) {
  std::vector<const FieldDescriptor*> fields;
  const auto* reflection = message->GetReflection();
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection->FieldSize(*message, field) : 1;
    for (int i = 0; i < std::min(count, 16); ++i) {
      const int index = field->is_repeated() ? i : -1;
      places->push_back({message, field, index});
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        texts->push_back(index < 0 ? reflection->GetString(*message, field)
                                   : reflection->GetRepeatedString(*message, field, index));
      }
      if (field->message_type() == nullptr) continue;
      collect(index < 0 ? reflection->MutableMessage(message, field)
                        : reflection->MutableRepeatedMessage(message, field, index),
              places, texts);
    }
  }
}

void change(const Place& at, const std::vector<std::string>& texts, std::minstd_rand& random) {
  static const int64_t kNumbers[] = {0,  1,  -1, 2,   3,     4,         5,         7,        8,
                                     11, 16, 64, 255, 65536, INT32_MAX, INT64_MAX, INT64_MIN};
  static const char* const kTypes[] = {"Conv",      "Gemm",
                                       "MatMul",    "Add",
                                       "Mul",       "Relu",
                                       "Clip",      "Concat",
                                       "Slice",     "Pad",
                                       "MaxPool",   "AveragePool",
                                       "Reshape",   "Transpose",
                                       "Softmax",   "Flatten",
                                       "Gather",    "Shape",
                                       "Squeeze",   "Unsqueeze",
                                       "Identity",  "ReduceMean",
                                       "Sub",       "Div",
                                       "Sum",       "HardSigmoid",
                                       "HardSwish", "BatchNormalization",
                                       "Constant",  "ConstantOfShape"};
  const auto* reflection = at.message->GetReflection();
  const int64_t number = kNumbers[random() % std::size(kNumbers)];
  const bool one = at.index < 0;
  if (at.field->is_repeated() && random() % 4 == 0) {
    reflection->RemoveLast(at.message, at.field);
    return;
  }
  switch (at.field->type()) {
    case FieldDescriptor::TYPE_INT64:
      one ? reflection->SetInt64(at.message, at.field, number)
          : reflection->SetRepeatedInt64(at.message, at.field, at.index, number);
      break;
    case FieldDescriptor::TYPE_INT32:
      if (one) reflection->SetInt32(at.message, at.field, static_cast<int32_t>(number % 18));
      break;
    case FieldDescriptor::TYPE_FLOAT:
      if (one) reflection->SetFloat(at.message, at.field, static_cast<float>(number % 7));
      break;
    case FieldDescriptor::TYPE_STRING: {
      std::string text = texts[random() % texts.size()];
      if (at.field->name() == "op_type") text = kTypes[random() % std::size(kTypes)];
      one ? reflection->SetString(at.message, at.field, text)
          : reflection->SetRepeatedString(at.message, at.field, at.index, text);
      break;
    }
    default:
      if (one) reflection->ClearField(at.message, at.field);
  }
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  onnx::ModelProto model;
  if (random() % 8 == 0 || !model.ParseFromArray(data, static_cast<int>(size)))
    return LLVMFuzzerMutate(data, size, max_size);
  for (unsigned i = 0; i <= random() % 3; ++i) {
    std::vector<Place> places;
    std::vector<std::string> texts{""};
    collect(&model, &places, &texts);
    if (!places.empty()) change(places[random() % places.size()], texts, random);
  }
  std::string bytes;
  if (!model.SerializePartialToString(&bytes) || bytes.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_onnx_bytes(std::as_bytes(std::span(data, size)));
  return 0;
}
