#include "runner/config/trial_config.hpp"

#include <utility>

#include "runner/config/address.hpp"
#include "runner/config/node.hpp"
#include "runner/config/resolve.hpp"
#include "runner/config/run_settings.hpp"

namespace aesweep {

Result<TrialSpec> parse_trial_config(const std::string& canonical_text,
                                     const Catalogue& catalogue) {
  const std::string file = "the stored configuration";
  Result<Node> document = read_yaml(canonical_text, file);
  if (!document.ok()) return document.status();
  AESWEEP_RETURN_IF_ERROR(normalize(file, *document));
  // What it says of given weights is a digest, not where they are.
  std::erase_if(find(*document, "model")->entries,
                [](const Entry& entry) { return entry.key == "init_from"; });
  Result<RecordSpec> record = read_record(file, *document);
  if (!record.ok()) return record.status();
  InitFromReader none(file, "", {});
  Result<ResolvedTrial> trial = resolve_trial(file, *document, {}, *record, catalogue, none);
  if (!trial.ok()) return trial.status();
  return std::move(trial->spec);
}

bool takes_data_as_stored(const std::string& canonical_text) {
  Result<Node> document = read_yaml(canonical_text, "");
  if (!document.ok() || document->kind != NodeKind::kMap) return false;
  const Node* data = find(*document, "data");
  if (data == nullptr || data->kind != NodeKind::kMap) return false;
  const Node* scaling = find(*data, "scaling");
  return scaling != nullptr && scaling->kind == NodeKind::kScalar && scaling->text == "none";
}

}  // namespace aesweep
