/* cfb.h - compound files (OLE 2, MS-CFB): a tree of storages and streams within one file.
 *
 * Read as leniently as Office does: chains that end early give what there is,
 * versions are not asked for.  Memory is bounded by the file's size: tables of
 * sectors and entries, the small streams' container, and one stream at a time. */
#ifndef POSTERN_DECODER_CFB_H
#define POSTERN_DECODER_CFB_H

#include "span.h"

#define CFB_MAGIC "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#define CFB_NONE UINT32_MAX

enum cfb_kind { CFB_UNUSED = 0, CFB_STORAGE = 1, CFB_STREAM = 2, CFB_ROOT = 5 };

/* Entries are numbered as in the file; 0 is the root. */
struct cfb_entry {
	enum cfb_kind kind;
	uint32_t parent;		/* CFB_NONE: of the root, and of entries that no storage names */
	uint32_t child, next;		/* first of a storage's entries; the next one of the same storage */
	uint32_t start;
	uint64_t size;
	struct span name;		/* UTF-16 */
	struct span class;		/* 16 bytes */
};

struct cfb {
	struct postern_call *call;
	struct span data;
	unsigned shift, mini_shift;	/* of a sector's size */
	uint32_t mini_cutoff;		/* streams smaller than this lie in the container */
	uint32_t *fat_sectors;		/* sectors that hold the table of chains */
	size_t fat_count;
	struct span minifat, mini;	/* the container and its table of chains; malloc'ed */
	struct span directory;		/* malloc'ed */
	struct cfb_entry *entries;
	uint32_t count;
	bool cut;			/* something ends before it should, or leads nowhere */
};

/* 0; -1: not a compound file; -2: no memory. cfb_close() in any case. */
int cfb_open(struct cfb *c, struct postern_call *call, struct span data);
void cfb_close(struct cfb *c);
/* A stream's content, malloc'ed (free((void *)out->at)); -1: no memory. Shorter than its size where its chain ends: c->cut. */
int cfb_read(struct cfb *c, uint32_t entry, struct span *out);
void cfb_free(struct span *s);
/* An entry of a storage by its name in ASCII, whatever the case; CFB_NONE. */
uint32_t cfb_find(const struct cfb *c, uint32_t storage, const char *name);
bool cfb_named(const struct cfb *c, uint32_t entry, const char *name);
/* "Storage/Stream" without the root's name; memory of the call. `one`: how one name is written, e.g. span_utf16. */
char *cfb_path(const struct cfb *c, uint32_t entry, char *(*one)(struct postern_call *call, struct span name));

#endif
