// SPDX-License-Identifier: Apache-2.0
// Packets over Unix sockets (SOCK_SEQPACKET): each arrives whole or not at all. Layer: server.
#pragma once
#include <string>
#include <string_view>
#include <utility>

namespace limber::server {

constexpr std::size_t kMostBytes = 64 * 1024;  // of one packet

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_;
};

struct Packet {
  enum class Kind { kText, kNothing, kClosed, kTooLong };
  Kind kind = Kind::kNothing;
  std::string text;
};

// Does not block. An empty packet counts as the end; one above kMostBytes is thrown away; descriptors that a peer sends
// along are closed by the kernel.
Packet receive_packet(int fd);

enum class Sent { kDone, kFull, kClosed };
// Does not block and raises no SIGPIPE. kFull: the peer does not read; nothing was sent.
Sent send_packet(int fd, std::string_view text);

// Where limberd listens unless told otherwise: $LIMBERD_SOCKET, else /run/limber/limberd.sock; for a user without the
// system's daemon $XDG_RUNTIME_DIR/limber/limberd.sock.
std::string default_socket();

// Not blocking, takes microseconds. Without a listener the result is empty and `reason` says why.
Descriptor connect_to(const std::string& path, std::string& reason);

// A listening socket with these rights (group < 0: the process's own). Takes the place of a socket file that nobody
// listens at. Fails with kInvalidArgument on a path that is too long or where another one listens, kIo if the system
// refuses, naming the path.
Descriptor listen_at(const std::string& path, unsigned mode, int group);

// Both ends are closed on exec. Fails with kIo.
std::pair<Descriptor, Descriptor> socket_pair();

// A descriptor sent along with one byte; -1 if there is none. Blocking.
bool send_descriptor(int socket, int fd);
Descriptor receive_descriptor(int socket, bool& closed);

}  // namespace limber::server
