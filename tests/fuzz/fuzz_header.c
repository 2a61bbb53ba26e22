/* fuzz_header.c - any bytes as a mail: fields cover the header in order, every value can be read, flaws are told in print,
 * repairs leave nothing to repair, a tag in front of the Subject leaves the rest of it. */
#include "config.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "mail/header.h"
#include "mail/header_check.h"
#include "mail/header_fix.h"
#include "mail/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct header *h, const uint8_t *data, size_t size, void *owner)
{
	uint64_t at = 0;
	require(h->length <= h->body_offset && h->body_offset <= size && h->count <= HEADER_MAX_FIELDS);
	require(h->length == 0 || memcmp(h->text, data, h->length) == 0);
	for (unsigned i = 0; i < h->count; i++) {
		const struct header_field *f = &h->fields[i];
		require(f->offset == at && f->length > 0 && f->name_length < f->length);
		require(strlen(f->name) <= f->name_length);
		require(header_value(h, f, owner) != NULL);
		at += f->length;
	}
	require(at == h->length);
	header_find(h, "subject");
	header_count(h, "received");
}

static void check_flaws(const struct header *h, bool smtputf8, void *owner)
{
	struct header_flaws flaws;
	header_check(h, ~0u, smtputf8, NULL, owner, &flaws);
	require(flaws.count <= HEADER_FLAWS_MAX && flaws.worst <= FLAW_MULTIPLE && (flaws.count > 0) == (flaws.worst > 0));
	for (unsigned i = 0; i < flaws.count; i++)
		for (const char *c = flaws.flaws[i].text; *c; c++)
			require(*c >= ' ' && *c < 0x7f);
}

/* What a Subject ends with after the tag is what it ended with before. */
static void check_tag(const struct header *h, const char *tag, void *owner)
{
	const struct header_field *f = header_find(h, "subject");
	size_t n, kept = 0;
	if (!f)
		return;
	const char *field = h->text + f->offset, *made = subject_tagged(h, f, tag, owner, &n);
	require(n >= f->name_length + 2u && memcmp(made, field, f->name_length) == 0 && made[f->name_length] == ':');
	while (kept < n && kept < f->length && made[n - 1 - kept] == field[f->length - 1 - kept])
		kept++;
	require(memchr(field, ':', f->length - kept) != NULL || kept == f->length);
}

static void check_edits(const struct header *h, void *owner)
{
	struct edit_list *l = edit_list_new(owner);
	unsigned fixes = HEADER_FIX_CR | HEADER_FIX_FOLDING | HEADER_FIX_LONG;
	require(header_fix(l, h, fixes) == header_fix(NULL, h, fixes));
	check_tag(h, "***TAG*** ", owner);
	check_tag(h, "\xc3\xbc", owner);
	subject_add_tag(l, h, "***TAG*** ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int complete = 0; complete <= 1; complete++) {
		void *owner = talloc_new(NULL);
		struct header h;
		header_parse((const char *)data, size, complete, owner, &h);
		check(&h, data, size, owner);
		check_flaws(&h, complete, owner);
		check_edits(&h, owner);
		talloc_free(owner);
	}
	return 0;
}
