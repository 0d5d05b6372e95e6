#include "runner/config/places.hpp"

#include <string_view>

#include "core/base/text.hpp"
#include "runner/config/experiment.hpp"

namespace aesweep {
namespace {

using Places = std::map<std::string, Mark>;

void add(const std::string& key, const Node& node, Places& places) {
  if (node.mark.line > 0 && !key.empty()) places[key] = node.mark;
  for (const Entry& entry : node.entries) {
    if (key.empty() && entry.key == "parameters") continue;
    add(joined(key, entry.key), entry.value, places);
  }
  for (const Node& item : node.items) {
    const Node* name = find(item, "name");
    if (name != nullptr) add(joined(key, name->text), item, places);
  }
}

// The place of a key or of the nearest one above it.
Places::const_iterator nearest(const Places& places, std::string key) {
  for (;;) {
    const auto found = places.find(key);
    const std::size_t dot = key.rfind('.');
    if (found != places.end() || dot == std::string::npos) return found;
    key.resize(dot);
  }
}

}  // namespace

std::map<std::string, Mark> places_of(const DocumentParts& parts) {
  Places places;
  add("", parts.root, places);
  for (const Axis& axis : parts.axes) places[axis.address.key] = axis.address.mark;
  return places;
}

std::string place_of(const Experiment& experiment, std::string_view message) {
  constexpr std::string_view kColon = ": ";
  const std::string first(message.substr(0, message.find(kColon)));
  auto place = nearest(experiment.places, first);
  if (place == experiment.places.end()) return experiment.path;
  // A component's own message may start with the name of its parameter.
  while (message.find(kColon) != std::string_view::npos) {
    message.remove_prefix(message.find(kColon) + kColon.size());
    const auto below =
        experiment.places.find(joined(first, message.substr(0, message.find(kColon))));
    if (below == experiment.places.end()) continue;
    place = below;
    break;
  }
  return text(experiment.path, ':', place->second.line, ':', place->second.column);
}

Status at_place(const Experiment& experiment, const Status& status) {
  const std::string& message = status.message();
  const std::string first = message.substr(0, message.find(": "));
  if (nearest(experiment.places, first) == experiment.places.end()) return status;
  return status.in(place_of(experiment, message));
}

}  // namespace aesweep
