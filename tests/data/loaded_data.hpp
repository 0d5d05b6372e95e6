// A data set loaded into a block of its own, as a node's only rank does it.
#pragma once

#include <cstddef>
#include <utility>

#include "core/base/buffer.hpp"
#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/data/source.hpp"

namespace aesweep {

struct Loaded {
  Status status;  // Of the first call that failed; what came after it is empty.
  DatasetLayout layout{};
  Buffer<std::byte> block;
  Dataset dataset;
};

inline Loaded load_all(const DataSpec& spec) {
  Loaded loaded;
  const Result<DatasetLayout> layout = inspect(spec);
  loaded.status = layout.status();
  if (!layout.ok()) return loaded;
  loaded.layout = layout.value();
  loaded.block = Buffer<std::byte>(loaded.layout.bytes);
  loaded.status = load(spec, loaded.layout, loaded.block.span());
  if (!loaded.status.ok()) return loaded;
  Result<Dataset> dataset = view(spec, loaded.layout, loaded.block.span());
  loaded.status = dataset.status();
  if (dataset.ok()) loaded.dataset = std::move(dataset).value();
  return loaded;
}

}  // namespace aesweep
