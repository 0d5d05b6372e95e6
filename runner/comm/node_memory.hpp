// NodeMemory: one block of bytes per node, filled by one rank of the node and read by all of it.
//
// Every call is collective over the world. The block starts on a 64-byte line, holds zeros until it
// is filled, and lives as long as this object, which must not outlive its World. A node with one
// rank takes ordinary memory; others use MPI's shared memory.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

class World;

class NodeMemory {
 public:
  explicit NodeMemory(World& world);
  ~NodeMemory();
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  [[nodiscard]] int ranks() const;    // Of the world on this node.
  [[nodiscard]] bool leader() const;  // Whether this rank fills the block.

  // The leader's bytes, on every rank of the node.
  [[nodiscard]] std::string broadcast(std::string bytes);

  // Makes the block and has each node's leader call `fill` on it. Returns what the world agreed on:
  // the status of the lowest rank that failed. At most once per object; on failure there is no
  // block. `bytes` may differ between nodes, not within one.
  using Fill = std::function<Status(std::span<std::byte>)>;
  [[nodiscard]] Status fill(std::size_t bytes, const Fill& fill);

  [[nodiscard]] std::span<const std::byte> bytes() const;

 private:
  struct Impl;
  [[nodiscard]] Status allocate(std::size_t bytes);

  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
