/* passwords.c - words of the mail's text that may open an archive of the same mail: "the password is ...".
 *
 * Only texts of the mail itself are read, not those that came out of
 * containers.  Words behind a word for "password" come first; how many are
 * tried at all is the order's business. */
#include "config.h"

#include "opener/decode.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MAX_BYTES (64 * 1024)	/* of each text */
#define TEXTS_MAX 4
#define WORD_MIN 3
#define WORD_MAX 64
#define WORDS_MAX 1000		/* of each kind: the most that archive_password_words lets be asked for */

/* Beginnings, in lower case, of what stands in front of a password. */
static const char *const heralds[] = {
	"pass", "pw", "kennwort", "zugangscode", "contrase", "senha", "wachtwoord", "has", "l\xc3\xb6senord", "mot de passe",
	"\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c" /* parol' */, "code", "pin", "key", "secret",
};

/* Tried whatever the mail says: usual among those who send samples of malware. */
static const char *const usual[] = { "infected", "virus", "password", "1234" };

static bool is_herald(const char *word)
{
	char *lower = g_utf8_strdown(word, -1);
	bool found = false;
	for (size_t i = 0; i < G_N_ELEMENTS(heralds) && !found; i++)
		found = g_str_has_prefix(lower, heralds[i]);
	g_free(lower);
	return found;
}

static void add(GPtrArray *words, const char *word, size_t n)
{
	if (n < WORD_MIN || n > WORD_MAX || words->len >= WORDS_MAX)
		return;
	char *copy = g_strndup(word, n);
	for (guint i = 0; i < words->len; i++)
		if (strcmp(g_ptr_array_index(words, i), copy) == 0) {
			g_free(copy);
			return;
		}
	g_ptr_array_add(words, copy);
}

/* As written, then without the punctuation that a sentence puts around a word. */
static void add_readings(GPtrArray *words, const char *word, size_t n)
{
	static const char around[] = "\"'`.,:;!?()[]<>{}*_";
	add(words, word, n);
	size_t from = 0, to = n;
	while (from < to && strchr(around, word[from]))
		from++;
	while (to > from && strchr(around, word[to - 1]))
		to--;
	if (from > 0 || to < n)
		add(words, word + from, to - from);
	const char *colon = memchr(word + from, ':', to - from);	/* "password:secret" */
	if (colon && colon + 1 < word + to)
		add(words, colon + 1, (size_t)(word + to - colon - 1));
}

/* Markup and its entities separate words as blanks do. */
static void blank_markup(char *text)
{
	bool inside = false;
	for (char *p = text; *p; p++) {
		inside |= *p == '<';
		bool end = *p == '>';
		if (inside)
			*p = ' ';
		inside &= !end;
	}
	for (char *p = strstr(text, "&nbsp;"); p; p = strstr(p, "&nbsp;"))
		memset(p, ' ', 6);
}

/* first: words that follow a herald, up to three behind it ("password is: x"). */
static void collect_words(GPtrArray *first, GPtrArray *rest, char *text)
{
	unsigned heralded = 0;
	for (char *at = text; *at;) {
		while (isspace((unsigned char)*at))
			at++;
		size_t n = 0;
		while (at[n] && !isspace((unsigned char)at[n]))
			n++;
		char *word = g_strndup(at, n < WORD_MAX ? n : WORD_MAX);
		add_readings(heralded > 0 ? first : rest, at, n);
		heralded = is_herald(word) ? 3 : heralded > 0 ? heralded - 1 : 0;
		if (heralded == 3 && strchr(word, ':'))
			add_readings(first, at, n);
		g_free(word);
		at += n;
	}
}

static void collect_part(struct walk *w, const struct part *p, GPtrArray *first, GPtrArray *rest)
{
	size_t n;
	const uint8_t *data = member_map(w, p->number, TEXT_MAX_BYTES, &n);
	if (!data)
		return;
	char *text = g_strndup((const char *)data, n);
	member_unmap(data, n);
	if (tree_is_of_type(p, "html"))
		blank_markup(text);
	collect_words(first, rest, text);
	g_free(text);
}

static bool is_text_of_mail(const struct opener_tree *t, const struct part *p)
{
	bool text = tree_is_of_type(p, "txt") || tree_is_of_type(p, "html");
	while (text && p->parent > 0) {
		p = tree_part(t, p->parent);
		text = !p->decoder;
	}
	return text;
}

static GPtrArray *collect(struct walk *w)
{
	GPtrArray *first = g_ptr_array_new_with_free_func(g_free), *rest = g_ptr_array_new_with_free_func(g_free);
	unsigned texts = 0;
	for (unsigned i = 0; i < w->tree->count && texts < TEXTS_MAX; i++) {
		const struct part *p = &w->tree->parts[i];
		if (!p->has_file || p->size_bytes > TEXT_MAX_BYTES || !is_text_of_mail(w->tree, p))
			continue;
		collect_part(w, p, first, rest);
		texts++;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
		add(first, usual[i], strlen(usual[i]));
	for (guint i = 0; i < rest->len; i++)
		add(first, g_ptr_array_index(rest, i), strlen(g_ptr_array_index(rest, i)));
	g_ptr_array_free(rest, TRUE);
	return first;
}

const char *passwords_get(struct walk *w, size_t i)
{
	struct decoding *d = w->decoding;
	if (i >= w->job->order->password_words)
		return NULL;
	if (!d->passwords)
		d->passwords = collect(w);
	return i < d->passwords->len ? g_ptr_array_index(d->passwords, i) : NULL;
}
