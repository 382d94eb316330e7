#pragma once

// What c10d's ProcessGroupGloo.hpp needs of Gloo to be compiled: LibTorch's wheel holds Gloo's code
// but not its headers. All of it stays behind pointers, so declarations are enough;
// process_group.ipp checks the size of the class that comes out.

#include <chrono>
#include <string>
#include <vector>

namespace gloo {

namespace transport {
class Device;
class UnboundBuffer {
 public:
  virtual ~UnboundBuffer();
};
}  // namespace transport

class Context {
 public:
  void setTimeout(std::chrono::milliseconds);
};

namespace rendezvous {
/// A base for c10d's own adaptor. Never make one: the library's has other virtual functions.
class Store {
 public:
  virtual ~Store() = default;
  virtual void set(std::string const&, std::vector<char> const&) = 0;
  virtual std::vector<char> get(std::string const&) = 0;
  virtual void wait(std::vector<std::string> const&) = 0;
  virtual void wait(std::vector<std::string> const&, std::chrono::milliseconds const&) = 0;
};
}  // namespace rendezvous

}  // namespace gloo
