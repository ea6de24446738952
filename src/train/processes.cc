// SPDX-License-Identifier: Apache-2.0
#include "train/processes.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace limber::train {
namespace {

using torch::Tensor;

struct Address {
  std::string host;
  uint16_t port = 0;
};

Address parse_address(const std::string& text) {
  Address address;
  const std::size_t colon = text.rfind(':');
  if (colon != text.npos && colon > 0) {
    address.host = text.substr(0, colon);
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + colon + 1, last, address.port);
    if (error == std::errc() && end == last && address.port != 0) return address;
  }
  fail(ErrorCode::kInvalidArgument, "rendezvous '{}' is not HOST:PORT, for example 192.168.0.10:29500", text);
}

// This machine's own address on the way to `to`: others reach us there, which a machine's host name need not say
// (Debian's is 127.0.1.1).
std::string own_address(const Address& to) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  const int error = getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
  if (error != 0) fail(ErrorCode::kIo, "rendezvous host '{}': {}", to.host, gai_strerror(error));
  std::string text;
  const int socket = ::socket(found->ai_family, SOCK_DGRAM, 0);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  char name[NI_MAXHOST];
  if (socket >= 0 && connect(socket, found->ai_addr, found->ai_addrlen) == 0 &&  // sends nothing: UDP
      getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
      getnameinfo(reinterpret_cast<sockaddr*>(&own), size, name, sizeof name, nullptr, 0, NI_NUMERICHOST) == 0)
    text = name;
  if (socket >= 0) close(socket);
  freeaddrinfo(found);
  if (text.empty()) fail(ErrorCode::kIo, "rendezvous host '{}' cannot be reached from here", to.host);
  return text;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

struct Processes::Group {
  c10::intrusive_ptr<c10d::TCPStore> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;

  template <typename Call>
  void wait(Call call) {
    try {
      call()->wait();
    } catch (const std::exception& error) {
      throw LostProcess(
          fmt::format("another training process is gone or does not answer ({}); give the commands of all processes "
                      "again: training goes on from the checkpoint",
                      first_line(error.what())));
    }
  }
};

Processes::Processes(int64_t size, int64_t rank, const std::string& rendezvous, const std::string& work,
                     double timeout_seconds)
    : group_(std::make_unique<Group>()), size_(size), rank_(rank) {
  if (rank < 0 || rank >= size)
    fail(ErrorCode::kInvalidArgument, "rank {} of {} processes; legal: 0 to {}", rank, size, size - 1);
  const Address address = parse_address(rendezvous);
  const std::chrono::milliseconds timeout(static_cast<int64_t>(timeout_seconds * 1000));
  std::string said;
  try {
    c10d::TCPStoreOptions store;
    store.port = address.port;
    store.isServer = rank == 0;
    store.numWorkers = static_cast<std::size_t>(size);
    store.timeout = timeout;
    group_->store = c10::make_intrusive<c10d::TCPStore>(address.host, store);
    if (rank == 0) group_->store->set("work", std::vector<uint8_t>(work.begin(), work.end()));
    const std::vector<uint8_t> first = group_->store->get("work");
    said.assign(first.begin(), first.end());
    const auto options = c10d::ProcessGroupGloo::Options::create(timeout);
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(own_address(address)));
    group_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(group_->store, static_cast<int>(rank),
                                                               static_cast<int>(size), options);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorCode::kIo,
         "no meeting of {} training processes at {} ({}); start one with each --rank from 0 to {} within {} s of each "
         "other, rank 0 on the host that the address names",
         size, rendezvous, first_line(error.what()), size - 1, timeout_seconds);
  }
  const bool mine = said != work, anybody = any(mine);
  if (!anybody) return;
  fail(ErrorCode::kInvalidArgument, "{} another recipe, network or data set than rank 0; all must be the same",
       mine ? fmt::format("rank {} has", rank) : "another process has");
}

Processes::~Processes() = default;

bool Processes::any(bool mine) {
  std::vector<Tensor> flag = {torch::tensor({mine ? 1.0f : 0.0f})};
  group_->wait([&] { return group_->gloo->allreduce(flag); });
  return flag[0].item<float>() > 0;
}

void Processes::from_first(Tensor& tensor) {
  std::vector<Tensor> plain = {tensor.detach().contiguous()};
  group_->wait([&] { return group_->gloo->broadcast(plain); });
  torch::NoGradGuard guard;
  tensor.copy_(plain[0]);
}

void Processes::average(std::vector<Leaf>& leaves, double& loss) {
  torch::NoGradGuard guard;
  std::vector<Tensor> parts = {torch::tensor({static_cast<float>(loss)})};
  for (const Leaf& leaf : leaves) {
    if (leaf.value.grad().defined()) parts.push_back(leaf.value.grad().flatten());
  }
  std::vector<Tensor> all = {torch::cat(parts)};  // one message: many small ones would each wait for the slowest
  group_->wait([&] { return group_->gloo->allreduce(all); });
  all[0].div_(static_cast<double>(size_));
  loss = all[0][0].item<double>();
  int64_t at = 1;
  for (Leaf& leaf : leaves) {
    Tensor gradient = leaf.value.grad();
    if (!gradient.defined()) continue;
    gradient.copy_(all[0].narrow(0, at, gradient.numel()).reshape(gradient.sizes()));
    at += gradient.numel();
  }
}

}  // namespace limber::train
