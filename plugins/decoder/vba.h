/* vba.h - macros of documents (MS-OVBA): a storage with a stream "dir" and one for each module, whose source is packed. */
#ifndef POSTERN_DECODER_VBA_H
#define POSTERN_DECODER_VBA_H

#include "cfb.h"

/* Does this storage hold modules? */
bool vba_is_project(const struct cfb *c, uint32_t storage);
/* The sources of all its modules as children, M, and X where one runs by itself; the part in hand gets both letters. -1: over a limit. */
int vba_put_project(struct cfb *c, uint32_t storage);
/* Was this stream taken by vba_put_project()? The storage is one's parent. */
bool vba_is_module(const struct cfb *c, uint32_t stream);

/* For tests and fuzzing: unpack a container into at most `max` bytes, malloc'ed; -1: it is none, or no memory. */
int vba_unpack(struct span packed, size_t max, struct span *out);

#endif
