/* field.c - take a line of a text table apart. */
#include "field.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static char *skip_blanks(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

const char *field_or_one(const char *value)
{
	return *value ? value : "1";
}

char *field_after_word(char *text, const char *word)
{
	size_t n = strlen(word);
	if (strncasecmp(text, word, n) != 0 || (text[n] && !isspace((unsigned char)text[n])))
		return NULL;
	return skip_blanks(text + n);
}

bool field_is_negated(char **text)
{
	bool negated = false;
	for (; **text == '!'; *text = skip_blanks(*text + 1))
		negated = !negated;
	return negated;
}
