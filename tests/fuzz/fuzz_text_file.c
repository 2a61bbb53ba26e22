/* fuzz_text_file.c - any bytes as text that holds files, as an encoded content, as a MIME parameter: each decoder comes to an end within
 * its bounds, and pieces decode to what the whole does. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "opener/names.h"
#include "opener/parameters.h"
#include "opener/text_file.h"
#include "opener/transfer.h"

#define MAX_BYTES (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_files(const uint8_t *data, size_t size, bool is_binhex)
{
	struct text_files s = { .text = data, .n = size, .max_bytes = MAX_BYTES, .is_binhex = is_binhex };
	struct text_file f;
	for (size_t from = 0; text_files_next(&s, &f); from = f.end) {
		require(f.name && f.content && f.begin >= from && f.end > f.begin && f.end <= size && s.from == f.end);
		require(f.content->len <= size * 3 || f.content->len <= MAX_BYTES);
		size_t end = f.end;
		text_file_clear(&f);
		f.end = end;
	}
}

/* In one go, and cut where the decoder says. */
static void check_transfer(const uint8_t *data, size_t size, enum transfer_encoding encoding, enum transfer_reading reading)
{
	struct transfer whole, cut;
	uint8_t *a = malloc(transfer_room(size)), *b = malloc(transfer_room(size));
	transfer_begin_reading(&whole, encoding, reading);
	transfer_begin_reading(&cut, encoding, reading);
	size_t n = transfer_decode(&whole, data, size, a), made = 0, at = 0;
	n += transfer_end(&whole, a + n);
	require(n <= transfer_room(size));
	while (at < size) {
		size_t piece = transfer_cut(data + at, size - at, size - at < 100 ? size - at : 100);
		require(piece > 0 && piece <= size - at);
		made += transfer_decode(&cut, data + at, piece, b + made);
		at += piece;
	}
	made += transfer_end(&cut, b + made);
	require(encoding != TRANSFER_BASE64 || (made == n && memcmp(a, b, n) == 0));
	free(a);
	free(b);
}

static void count(void *context, const char *value)
{
	*(size_t *)context += strlen(value);
}

static void check_parameters(const uint8_t *data, size_t size)
{
	size_t bytes = 0;
	char *text = g_strndup((const char *)data, size < 4096 ? size : 4096);
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	parameters_read(text, "boundary", count, &bytes);
	names_of_field(text, names);
	require(names->len <= NAMES_MAX);
	for (guint i = 0; i < names->len; i++)
		require(strlen(g_ptr_array_index(names, i)) <= NAME_BYTES_MAX);
	g_ptr_array_unref(names);
	g_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	if (!ready)
		g_mime_init();
	ready = true;
	check_files(data, size, false);
	check_files(data, size, true);
	for (enum transfer_reading r = TRANSFER_USUAL; r < TRANSFER_READINGS; r++) {
		check_transfer(data, size, TRANSFER_BASE64, r);
		check_transfer(data, size, TRANSFER_QUOTED_PRINTABLE, r);
	}
	check_parameters(data, size);
	return 0;
}
