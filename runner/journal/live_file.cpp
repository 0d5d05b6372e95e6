#include "runner/journal/live_file.hpp"

#include "core/base/text.hpp"
#include "runner/journal/json_fields.hpp"
#include "runner/store/fence.hpp"

namespace aesweep {

template <class F>
void fields(F& f, LiveTrial& t) {
  f("number", t.number);
  f("attempt", t.attempt);
  f("label", t.label);
  f("ranks", t.ranks);
  f("host", t.host);
  f("epoch", t.epoch);
  f("epochs", t.epochs);
  f("step", t.step);
  f("seconds", t.seconds);
  f("last", t.last);
}

template <class F>
void fields(F& f, LiveState& live) {
  f("utc", live.utc);
  f("seconds", live.seconds);
  f("samples_per_second", live.samples_per_second);
  f("seconds_left", live.seconds_left);
  f("epochs_done", live.epochs_done);
  f("epochs_total", live.epochs_total);
  f("trials", live.trials);
}

std::string encode(const LiveState& live) {
  LiveState copy = live;  // The same function names fields for reading and writing.
  json::Writer writer;
  fields(writer, copy);
  return json::line(writer.object()) + "\n";
}

Result<LiveState> decode_live(const std::string& bytes) {
  return fenced("live.json", [&]() -> Result<LiveState> {
    const json::Json json = json::Json::parse(bytes, nullptr, false);
    if (!json.is_object()) return Status::world("live.json: not a JSON object");
    LiveState live;
    json::Reader reader(json);
    fields(reader, live);
    if (!reader.fault().empty()) return Status::world("live.json: " + reader.fault());
    return live;
  });
}

}  // namespace aesweep
