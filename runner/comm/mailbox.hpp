// Mailbox: small byte messages between any two ranks that neither side waits for.
//
// Messages from one rank to another arrive in the order in which they were posted; a rank may post
// to itself. They are kept apart from all other traffic. One per process at a time; destroyed
// before its World.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace aesweep {

class World;

struct Mail {
  int from = 0;
  std::string bytes;
};

class Mailbox {
 public:
  explicit Mailbox(World& world);
  // Collective: waits until every rank is here; messages that nobody took until then are dropped.
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Returns at once; keeps the bytes until they are sent.
  void post(int to, std::string bytes);
  // The next message that has arrived, if any. Allocates nothing if there is none.
  [[nodiscard]] std::optional<Mail> try_take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
