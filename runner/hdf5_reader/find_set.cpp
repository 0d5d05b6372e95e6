#include "runner/hdf5_reader/find_set.hpp"

#include <cstddef>
#include <vector>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

struct Listing {
  std::vector<std::string> names;
  int objects = 0;
  bool whole = true;  // No limit was met.
};

herr_t add_name(hid_t /*group*/, const char* name, const H5L_info_t* info, void* out) {
  auto& names = *static_cast<std::vector<std::string>*>(out);
  if (info->type == H5L_TYPE_HARD) names.emplace_back(name);
  return names.size() >= static_cast<std::size_t>(kObjectsMax) ? 1 : 0;
}

std::vector<std::string> hard_links(hid_t group) {
  std::vector<std::string> names;
  // What a damaged group gave until then is a help, too.
  static_cast<void>(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &names));
  return names;
}

// Groups one after another, without recursion; a cycle of hard links ends at the limits.
Listing list_data_sets(hid_t file) {
  struct Place {
    std::string path;
    int depth;
  };
  Listing list;
  std::vector<Place> groups = {{"", 0}};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const Place place = groups[g];
    const Hdf5Id group(H5Oopen(file, place.path.empty() ? "/" : place.path.c_str(), H5P_DEFAULT),
                       H5Oclose);
    if (!group.ok()) continue;
    for (const std::string& name : hard_links(group.get())) {
      if (++list.objects > kObjectsMax) {
        list.whole = false;
        return list;
      }
      const Hdf5Id object(H5Oopen(group.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
      if (!object.ok()) continue;
      const std::string path = place.path.empty() ? name : place.path + "/" + name;
      const H5I_type_t type = H5Iget_type(object.get());
      if (type == H5I_DATASET) list.names.push_back(path);
      if (type != H5I_GROUP) continue;
      if (place.depth + 1 < kDepthMax) {
        groups.push_back({path, place.depth + 1});
      } else {
        list.whole = false;
      }
    }
  }
  return list;
}

std::string there_are(const Listing& list) {
  if (list.names.empty()) return "the file has no data sets under hard links";
  std::string words = "there ";
  words += list.names.size() == 1 ? "is " : "are ";
  for (std::size_t i = 0; i < list.names.size() && i < kNamesShown; ++i) {
    words += (i == 0 ? "" : ", ") + list.names[i];
  }
  const bool more = list.names.size() > kNamesShown || !list.whole;
  return words + (more ? ", ..." : "");
}

Result<Hdf5Id> only_data_set(hid_t file) {
  const Listing list = list_data_sets(file);
  if (list.names.size() != 1 || !list.whole) {
    return Status::input("give the data set's name as FILE#NAME; " + there_are(list));
  }
  Hdf5Id set(H5Dopen2(file, list.names[0].c_str(), H5P_DEFAULT), H5Dclose);
  if (!set.ok()) return Status::input("its data set is damaged: " + hdf5_reason());
  return set;
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

// The link itself, not what it leads to.
Status check_link(hid_t file, hid_t group, const std::string& name) {
  const htri_t there = name == "." || name == ".."
                           ? 0  // libhdf5 takes the first for the group itself.
                           : H5Lexists(group, name.c_str(), H5P_DEFAULT);
  if (there == 0) {
    return Status::input(text("has no ", name, "; ", there_are(list_data_sets(file))));
  }
  H5L_info_t info{};
  if (there < 0 || H5Lget_info(group, name.c_str(), &info, H5P_DEFAULT) < 0) {
    return Status::input(text("the link ", name, " is damaged: ", hdf5_reason()));
  }
  if (info.type == H5L_TYPE_HARD) return {};
  const char* kind = info.type == H5L_TYPE_SOFT       ? "a soft link"
                     : info.type == H5L_TYPE_EXTERNAL ? "a link to another file"
                                                      : "a link of a kind of its own";
  return Status::input(
      text(name, " is ", kind, ", which is not followed; name the data set that it leads to"));
}

}  // namespace

Result<Hdf5Id> find_data_set(hid_t file, const std::string& path) {
  if (path.empty()) return only_data_set(file);
  const std::vector<std::string> parts = parts_of(path);
  if (parts.size() > static_cast<std::size_t>(kDepthMax)) {
    return Status::input(text("lies ", parts.size(), " groups deep; at most ", kDepthMax));
  }
  Hdf5Id at(H5Oopen(file, "/", H5P_DEFAULT), H5Oclose);
  if (!at.ok()) return Status::input("the root group is damaged: " + hdf5_reason());
  for (const std::string& part : parts) {
    if (H5Iget_type(at.get()) != H5I_GROUP) {
      return Status::input(text("has no ", part, ", as what it would be in is no group; ",
                                there_are(list_data_sets(file))));
    }
    AESWEEP_RETURN_IF_ERROR(check_link(file, at.get(), part));
    Hdf5Id next(H5Oopen(at.get(), part.c_str(), H5P_DEFAULT), H5Oclose);
    if (!next.ok()) return Status::input(text(part, " is damaged: ", hdf5_reason()));
    at = std::move(next);
  }
  if (H5Iget_type(at.get()) != H5I_DATASET) {
    return Status::input("is no data set; " + there_are(list_data_sets(file)));
  }
  return at;
}

}  // namespace aesweep
