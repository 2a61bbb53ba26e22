/* cfb.c - see cfb.h. */
#include "cfb.h"

#include <stdlib.h>
#include <strings.h>

#define HEADER_BYTES 512
#define HEADER_FAT_SECTORS 109
#define ENTRY_BYTES 128
#define LAST_SECTOR 0xfffffff9u		/* what is above has a meaning of its own */
#define PATH_DEPTH_MAX 20
#define ENTRIES_MAX 1000000u

/* --- sectors and chains --- */

static size_t sector_bytes(const struct cfb *c) { return (size_t)1 << c->shift; }

/* Sector 0 begins behind the header, which fills a sector where these are large. */
static struct span sector(const struct cfb *c, uint32_t number)
{
	uint64_t at = ((uint64_t)number + 1) << c->shift;
	return at < c->data.n ? span_sub(c->data, (size_t)at, sector_bytes(c)) : (struct span){ c->data.at, 0 };
}

static uint32_t sectors_in_file(const struct cfb *c)
{
	return (uint32_t)(c->data.n >> c->shift) + 1;
}

static uint32_t next_sector(const struct cfb *c, uint32_t number)
{
	size_t each = sector_bytes(c) / 4, table = number / each;
	struct span s = table < c->fat_count ? sector(c, c->fat_sectors[table]) : (struct span){ c->data.at, 0 };
	return span_has(s, number % each * 4, 4) ? span_32(s, number % each * 4) : CFB_NONE;
}

/* All of a chain, or its first `size` bytes. A chain that bites its own tail ends with the size, which is the file's at most. */
static int read_chain(struct cfb *c, uint32_t start, uint64_t size, struct span *out)
{
	size_t room = size < c->data.n ? (size_t)size : c->data.n, n = 0;
	uint8_t *bytes = malloc(room + 1);
	if (!bytes)
		return -1;
	for (uint32_t at = start; n < room && at <= LAST_SECTOR; at = next_sector(c, at)) {
		struct span s = sector(c, at);
		if (s.n == 0)
			break;
		s.n = s.n < room - n ? s.n : room - n;
		memcpy(bytes + n, s.at, s.n);
		n += s.n;
	}
	c->cut |= size != UINT64_MAX && n < size;
	*out = (struct span){ bytes, n };
	return 0;
}

static int read_mini_chain(struct cfb *c, uint32_t start, uint64_t size, struct span *out)
{
	size_t each = (size_t)1 << c->mini_shift, room = size < c->mini.n ? (size_t)size : c->mini.n, n = 0;
	uint8_t *bytes = malloc(room + 1);
	if (!bytes)
		return -1;
	for (uint32_t at = start; n < room && at <= LAST_SECTOR; at = span_has(c->minifat, (size_t)at * 4, 4) ? span_32(c->minifat, (size_t)at * 4) : CFB_NONE) {
		struct span s = span_sub(c->mini, (size_t)at << c->mini_shift, each < room - n ? each : room - n);
		if (s.n == 0)
			break;
		memcpy(bytes + n, s.at, s.n);
		n += s.n;
	}
	c->cut |= n < size;
	*out = (struct span){ bytes, n };
	return 0;
}

/* The header lists the first sectors of the table; a chain of its own goes on. */
static int read_fat_sectors(struct cfb *c)
{
	uint32_t max = sectors_in_file(c), each = (uint32_t)(sector_bytes(c) / 4) - 1, more = span_32(c->data, 68);
	c->fat_sectors = malloc((size_t)max * sizeof *c->fat_sectors);
	if (!c->fat_sectors)
		return -2;
	for (uint32_t i = 0; i < HEADER_FAT_SECTORS && c->fat_count < max; i++)
		c->fat_sectors[c->fat_count++] = span_32(c->data, 76 + 4 * (size_t)i);
	for (uint32_t turn = 0; turn < max && more <= LAST_SECTOR; turn++) {
		struct span s = sector(c, more);
		if (s.n == 0)
			break;
		for (uint32_t i = 0; i < each && c->fat_count < max; i++)
			c->fat_sectors[c->fat_count++] = span_32(s, 4 * (size_t)i);
		more = span_32(s, 4 * (size_t)each);
	}
	return 0;
}

/* --- entries --- */

static void read_entry(struct span d, struct cfb_entry *e)
{
	uint8_t kind = span_8(d, 66);
	size_t name = span_16(d, 64);
	*e = (struct cfb_entry){
		.kind = kind == CFB_STORAGE || kind == CFB_STREAM || kind == CFB_ROOT ? (enum cfb_kind)kind : CFB_UNUSED,
		.parent = CFB_NONE, .child = CFB_NONE, .next = CFB_NONE, .start = span_32(d, 116), .size = span_64(d, 120),
		.name = span_sub(d, 0, name >= 2 && name <= 64 ? name - 2 : 0), .class = span_sub(d, 80, 16),
	};
}

/* Entries of one storage form a binary tree; each is visited once, whatever the links say. */
static void hang_below(struct cfb *c, uint32_t storage, uint32_t *stack)
{
	struct span directory = c->directory;
	uint32_t depth = 0;
	stack[depth++] = span_32(directory, (size_t)storage * ENTRY_BYTES + 76);
	while (depth > 0) {
		uint32_t number = stack[--depth];
		struct cfb_entry *e = number < c->count ? &c->entries[number] : NULL;
		if (!e || number == 0 || e->parent != CFB_NONE || e->kind == CFB_UNUSED)
			continue;
		e->parent = storage;
		e->next = c->entries[storage].child;
		c->entries[storage].child = number;
		stack[depth++] = span_32(directory, (size_t)number * ENTRY_BYTES + 68);
		stack[depth++] = span_32(directory, (size_t)number * ENTRY_BYTES + 72);
	}
}

static int read_entries(struct cfb *c)
{
	size_t count = c->directory.n / ENTRY_BYTES;
	c->count = count < ENTRIES_MAX ? (uint32_t)count : ENTRIES_MAX;
	c->entries = calloc(c->count, sizeof *c->entries);
	/* an entry is put down once and leaves two: there is never more than that and the first */
	uint32_t *stack = malloc(((size_t)c->count * 2 + 4) * sizeof *stack);
	if (!c->entries || !stack) {
		free(stack);
		return -2;
	}
	bool old = span_16(c->data, 26) < 4;	/* sizes had 32 bits */
	for (uint32_t i = 0; i < c->count; i++) {
		read_entry(span_sub(c->directory, (size_t)i * ENTRY_BYTES, ENTRY_BYTES), &c->entries[i]);
		if (old)
			c->entries[i].size &= UINT32_MAX;
	}
	for (uint32_t i = 0; i < c->count; i++)
		if (i == 0 || c->entries[i].kind == CFB_STORAGE)
			hang_below(c, i, stack);
	free(stack);
	return 0;
}

/* The names of entries stay in the directory. */
static int read_directory(struct cfb *c)
{
	if (read_chain(c, span_32(c->data, 48), UINT64_MAX, &c->directory) != 0)
		return -2;
	return c->directory.n < ENTRY_BYTES ? -1 : read_entries(c);
}

/* A root, or anything else: what is neither has lost its directory. */
static bool has_entries(const struct cfb *c)
{
	bool any = c->entries[0].kind == CFB_ROOT;
	for (uint32_t i = 0; i < c->count && !any; i++)
		any = c->entries[i].kind != CFB_UNUSED;
	return any;
}

static int read_container(struct cfb *c)
{
	const struct cfb_entry *root = &c->entries[0];
	bool any = false;
	for (uint32_t i = 1; i < c->count && !any; i++)
		any = c->entries[i].kind == CFB_STREAM && c->entries[i].size < c->mini_cutoff;
	if (!any)
		return 0;
	return read_chain(c, root->start, root->size, &c->mini) != 0 || read_chain(c, span_32(c->data, 60), UINT64_MAX, &c->minifat) != 0 ? -2 : 0;
}

int cfb_open(struct cfb *c, struct postern_call *call, struct span data)
{
	*c = (struct cfb){ .call = call, .data = data, .shift = span_16(data, 30), .mini_shift = span_16(data, 32), .mini_cutoff = span_32(data, 56) };
	if (!span_at(data, 0, CFB_MAGIC, 8) || data.n < HEADER_BYTES || c->shift < 7 || c->shift > 20 || c->mini_shift < 4 || c->mini_shift > c->shift)
		return -1;
	int r = read_fat_sectors(c);
	if (r == 0)
		r = read_directory(c);
	r = r == 0 && !has_entries(c) ? -1 : r == 0 ? read_container(c) : r;
	c->cut = false;			/* said of streams only */
	return r;
}

void cfb_close(struct cfb *c)
{
	free(c->fat_sectors);
	free(c->entries);
	cfb_free(&c->directory);
	cfb_free(&c->mini);
	cfb_free(&c->minifat);
}

/* --- streams and names --- */

int cfb_read(struct cfb *c, uint32_t entry, struct span *out)
{
	const struct cfb_entry *e = &c->entries[entry];
	if (e->kind == CFB_STREAM && e->size < c->mini_cutoff)
		return read_mini_chain(c, e->start, e->size, out);
	return read_chain(c, e->start, e->size, out);
}

void cfb_free(struct span *s)
{
	free((void *)(uintptr_t)s->at);
	*s = (struct span){ 0 };
}

bool cfb_named(const struct cfb *c, uint32_t entry, const char *name)
{
	struct span s = c->entries[entry].name;
	size_t n = strlen(name);
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char has[2] = { (char)s.at[2 * i], 0 }, wants[2] = { name[i], 0 };
		if (s.at[2 * i + 1] != 0 || strcasecmp(has, wants) != 0)
			return false;
	}
	return true;
}

uint32_t cfb_find(const struct cfb *c, uint32_t storage, const char *name)
{
	for (uint32_t i = c->entries[storage].child; i != CFB_NONE; i = c->entries[i].next)
		if (cfb_named(c, i, name))
			return i;
	return CFB_NONE;
}

char *cfb_path(const struct cfb *c, uint32_t entry, char *(*one)(struct postern_call *call, struct span name))
{
	char *path = one(c->call, c->entries[entry].name);
	uint32_t above = c->entries[entry].parent;
	for (int depth = 0; above != CFB_NONE && above != 0 && depth < PATH_DEPTH_MAX; depth++, above = c->entries[above].parent)
		path = postern_printf(c->call, "%s/%s", one(c->call, c->entries[above].name), path);
	return path;
}
