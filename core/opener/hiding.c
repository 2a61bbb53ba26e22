/* hiding.c - signs that something hides in a content: encoded files in text, a mail, what a program has encrypted.
 *
 * Signs only: to miss one would leave something shut, to see one too many costs a look. */
#include "config.h"

#include "opener/walk.h"

#include <string.h>

#include "opener/text_file.h"
#include "opener/tree.h"

#define YENC_WITHIN_BYTES (16 * 1024)	/* of the beginning it is looked for where it is not declared to be text */

/* yEnc is no text to those who look for it. */
bool hiding_may_be_files(const char *types, struct slice beginning)
{
	static const char *const kinds[] = { "txt", "uue", "hqx", "html" };
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (tree_type_in(types, ',', kinds[i], strlen(kinds[i])))
			return true;
	size_t head = MIN(beginning.n, YENC_WITHIN_BYTES);
	return tree_type_in(types, ',', "dat", 3) && head > 0 && memmem(beginning.data, head, "=ybegin ", 8);
}

/* Where people write in front of what a program has encrypted. */
bool hiding_is_encrypted(struct slice text)
{
	static const char begin[] = "\n-----BEGIN PGP MESSAGE-----", end[] = "\n-----END PGP MESSAGE-----";
	const uint8_t *from = text.n > 0 ? memmem(text.data, text.n, begin, sizeof begin - 1) : NULL;
	return from && memmem(from, text.n - (size_t)(from - text.data), end, sizeof end - 1);
}

bool hiding_may_be(const char *types, struct slice beginning, bool all)
{
	return strcmp(types, "mail") == 0 || (hiding_may_be_files(types, beginning) && (!all
		|| memmem(beginning.data, beginning.n, "begin", 5) || memmem(beginning.data, beginning.n, BINHEX_MARK, strlen(BINHEX_MARK))
		|| hiding_is_encrypted(beginning)));
}

/* (Base64 holds no blanks.) */
bool hiding_seems_to_be_files(struct slice raw)
{
	static const char *const marks[] = { "begin", BINHEX_MARK };
	bool blanks = raw.n > 0 && memchr(raw.data, ' ', raw.n);
	for (size_t i = 0; blanks && i < G_N_ELEMENTS(marks); i++)
		if (memmem(raw.data, raw.n, marks[i], strlen(marks[i])))
			return true;
	return false;
}
