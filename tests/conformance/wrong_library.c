/* A library whose components are fine, but not its init (INIT_ONCE: may not be called again) or its
 * extension (KNOWS_ALL: has an answer to every id); and it exports a second symbol. */
#include <stdio.h>

#define SYMBOL aesweep_plugin_too
#include "tests/bad_plugins/identity.h"

static int inits;

static int32_t init_once(const aesweep_host* host, aesweep_error* error) {
  (void)host;
  if (inits++ == 0) return AESWEEP_OK;
  snprintf(error->text, error->capacity, "only once, please");
  return AESWEEP_INTERNAL;
}

static const void* know_all(const char* id) { return id; }

EXPORT const aesweep_plugin_entry aesweep_plugin;
const aesweep_plugin_entry aesweep_plugin = {
    .magic = AESWEEP_ABI_MAGIC,
    .struct_size = sizeof(aesweep_plugin_entry),
    .abi_major = AESWEEP_ABI_MAJOR,
    .abi_minor = AESWEEP_ABI_MINOR,
    .id = ID,
    .version = "1.0",
    .components = kComponents,
    .component_count = 1,
#ifdef INIT_ONCE
    .init = init_once,
#else
    .init = init,
#endif
#ifdef KNOWS_ALL
    .extension = know_all,
#endif
};

void aesweep_unused_functions(void);
void aesweep_unused_functions(void) { (void)init_once, (void)know_all; }
