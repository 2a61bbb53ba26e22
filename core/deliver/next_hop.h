/* next_hop.h - the memory of dead next hops, shared by all workers of all generations.
 *
 * Kept in shared->next_hops; `shared` may be NULL (tools): then nothing is remembered. */
#ifndef POSTERN_DELIVER_NEXT_HOP_H
#define POSTERN_DELIVER_NEXT_HOP_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/shared.h"

bool next_hop_is_dead(struct shared *s, const char *name);
/* It did not take a transaction up; for retry_ms it comes last. */
void next_hop_failed(struct shared *s, const char *name, int64_t retry_ms);
void next_hop_works(struct shared *s, const char *name);

#endif
