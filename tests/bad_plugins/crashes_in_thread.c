/* Crashes in a thread of its own while a training step waits for it, on the second rank alone. */
#include <pthread.h>
static volatile int* volatile nowhere;
static void* crash(void* unused) {
  *nowhere = 1;
  return unused;
}
static void wait_for_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, crash, NULL) == 0) pthread_join(thread, NULL);
}
#define ID "crashes_in_thread"
#define IN_FORWARD \
  if (LATE_ON_RANK_1) wait_for_thread()
#include "tests/bad_plugins/identity.h"
