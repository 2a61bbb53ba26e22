/* decoder_host.c - a decoder by itself, for fuzzing: the input is the part, this file the host that it knows.
 *
 * The host is strict: a decoder that writes to no child, or goes on for long
 * after it was told to stop, fails. */
#include <postern/plugin.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHILDREN_MAX 300u
#define BYTES_MAX (2u * 1024 * 1024)
#define LOOKS_MAX 20000u
#define CPU_SECONDS 0.5
#define DEAF_MAX 10000u		/* calls after the first "stop" */

struct block { struct block *next; };

struct postern_call {
	struct block *blocks;
	unsigned children, looks, deaf;
	size_t bytes;
	bool open, over;
	clock_t began;
};

struct postern_part {
	const uint8_t *data;
	size_t n;
	const char *type;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool stop(struct postern_call *c)
{
	c->over = true;
	if (c->deaf++ > DEAF_MAX)
		abort();
	return false;
}

static void need_child(const struct postern_call *c)
{
	if (!c->open && !c->over)
		abort();
}

void *postern_alloc(struct postern_call *c, size_t n)
{
	struct block *b = calloc(1, sizeof *b + n + 1);
	if (!b)
		abort();
	b->next = c->blocks;
	c->blocks = b;
	return b + 1;
}

char *postern_printf(struct postern_call *c, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int n = vsnprintf(NULL, 0, format, arguments);
	char *text = postern_alloc(c, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(arguments);
	va_end(again);
	return text;
}

enum postern_result postern_fail(struct postern_call *c, enum postern_result result, const char *format, ...)
{
	(void)c;
	(void)format;
	return result;
}

enum postern_result postern_complain(struct postern_error *e, enum postern_result result, const char *format, ...)
{
	(void)e;
	(void)format;
	return result;
}

struct postern_instance *postern_call_instance(struct postern_call *c) { (void)c; return NULL; }
const void *postern_options(const struct postern_instance *i) { (void)i; return NULL; }

const void *postern_part_data(struct postern_call *c, const struct postern_part *p, size_t *n)
{
	(void)c;
	*n = p->n;
	return p->data;
}

const char *postern_part_type(const struct postern_part *p) { return p->type; }
const char *postern_part_name(const struct postern_part *p) { (void)p; return "name.bin"; }
size_t postern_part_name_count(const struct postern_part *p) { (void)p; return 1; }
const char *postern_part_name_at(const struct postern_part *p, size_t i) { (void)p; return i == 0 ? "name.bin" : NULL; }
const char *postern_part_mime_type(const struct postern_part *p) { (void)p; return "text/html"; }
int64_t postern_part_size(const struct postern_part *p) { return (int64_t)p->n; }
const char *postern_password(struct postern_call *c, size_t i) { (void)c; return i == 0 ? "secret" : i == 1 ? "infected" : NULL; }
void postern_part_keep(struct postern_call *c) { (void)c; }
void postern_part_attribute(struct postern_call *c, char letter) { (void)c; (void)letter; }

bool postern_may_go_on(struct postern_call *c)
{
	bool time_left = (double)(clock() - c->began) / CLOCKS_PER_SEC < CPU_SECONDS;
	return (!c->over && c->looks++ < LOOKS_MAX && time_left) || stop(c);
}

bool postern_child_begin(struct postern_call *c, const char *name)
{
	size_t n = name ? strlen(name) : 0;
	if (c->children++ >= CHILDREN_MAX || c->over || n > (1u << 20))
		return stop(c);
	c->open = true;
	return true;
}

bool postern_child_write(struct postern_call *c, const void *data, size_t n)
{
	static volatile uint8_t sum;
	need_child(c);
	for (size_t i = 0; i < n; i++)	/* so that a sanitizer sees every byte read */
		sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
	c->bytes += n;
	return (c->bytes <= BYTES_MAX && !c->over) || stop(c);
}

bool postern_child_end(struct postern_call *c)
{
	need_child(c);
	c->open = false;
	return !c->over || stop(c);
}

void postern_child_name(struct postern_call *c, const char *name) { need_child(c); if (strlen(name) > (1u << 20)) abort(); }
void postern_child_mime_type(struct postern_call *c, const char *type) { need_child(c); if (strlen(type) > (1u << 20)) abort(); }
void postern_child_attribute(struct postern_call *c, char letter) { (void)letter; need_child(c); }

static void decode_as(const char *type, const uint8_t *data, size_t size)
{
	struct postern_call c = { .began = clock() };
	/* behind its last byte there is nothing */
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	enum postern_result r = postern_plugin.decoder->decode(&c, &(struct postern_part){ copy, size, type });
	if (r == POSTERN_OK && c.over)
		abort();
	free(copy);
	for (struct block *b; (b = c.blocks);) {
		c.blocks = b->next;
		free(b);
	}
}

/* As each of the types that the decoder takes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char types[256], *rest = types, *type;
	snprintf(types, sizeof types, "%s", postern_plugin.decoder->types);
	while ((type = strsep(&rest, "|")))
		decode_as(type, data, size);
	return 0;
}
