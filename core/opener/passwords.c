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
	"pass", "pw", "kennwort", "zugangscode", "contrase", "senha", "wachtwoord", "has\xc5\x82o", "haslo", "heslo", "jelsz", "salasana", "parol",
	"l\xc3\xb6senord", "mot de passe", "\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c" /* parol' */, "code", "pin", "key", "secret",
	"\xe5\xaf\x86\xe7\xa0\x81" /* mima */, "\xe5\xaf\x86\xe7\xa2\xbc", "\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89" /* pasuwado */,
	"\xeb\xb9\x84\xeb\xb0\x80\xeb\xb2\x88\xed\x98\xb8" /* bimil beonho */, "\xec\x95\x94\xed\x98\xb8" /* amho */,
};

/* Tried whatever the mail says: usual among those who send samples of malware. */
static const char *const usual[] = { "infected", "virus", "password", "1234" };

static bool is_herald(const char *word)
{
	char *valid = g_utf8_make_valid(word, -1), *lower = g_utf8_strdown(valid, -1);
	bool found = false;
	for (size_t i = 0; i < G_N_ELEMENTS(heralds) && !found; i++)
		found = g_str_has_prefix(lower, heralds[i]);
	g_free(lower);
	g_free(valid);
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

static bool is_wide_script(gunichar c)
{
	GUnicodeScript s = g_unichar_get_script(c);
	return s == G_UNICODE_SCRIPT_HAN || s == G_UNICODE_SCRIPT_HIRAGANA || s == G_UNICODE_SCRIPT_KATAKANA || s == G_UNICODE_SCRIPT_HANGUL;
}

/* What separates words in scripts without blanks, and quotes and dashes of all others, as blanks; the wide colon as ":". What is no UTF-8
 * stays as it is: an archive may have been locked with those bytes. */
static char *plain(const char *text)
{
	GString *out = g_string_new(NULL);
	bool was_wide = false;
	for (const char *p = text; *p;) {
		gunichar c = g_utf8_get_char_validated(p, -1);
		if (c >= (gunichar)-2) {
			g_string_append_c(out, *p++);
			continue;
		}
		bool wide = is_wide_script(c) || c == 0x30fc;	/* the dash that lengthens a vowel */
		if (wide != was_wide && (wide || c < 0x80))
			g_string_append_c(out, ' ');
		if (c == 0xff1a)
			g_string_append(out, ": ");
		else if (c >= 0x80 && !wide && (g_unichar_ispunct(c) || g_unichar_isspace(c)))
			g_string_append_c(out, ' ');
		else
			g_string_append_unichar(out, c);
		was_wide = wide;
		p = g_utf8_next_char(p);
	}
	return g_string_free(out, FALSE);
}

/* "password: x", "password is x": behind these a word is most likely the password. */
static bool announces(const char *word)
{
	static const char *const verbs[] = { "is", "ist", "es", "est", "=", "-" };
	size_t n = strlen(word);
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (g_ascii_strcasecmp(word, verbs[i]) == 0)
			return true;
	return n > 0 && (word[n - 1] == ':' || word[n - 1] == '=');
}

struct candidates {
	GPtrArray *announced, *heralded, *rest;	/* the likeliest first */
};

/* Heralded: up to three words behind a herald ("password for it is: x"). */
static void collect_words(struct candidates *c, char *text)
{
	unsigned heralded = 0;
	bool announced = false;
	for (char *at = text; *at;) {
		while (isspace((unsigned char)*at))
			at++;
		size_t n = 0;
		while (at[n] && !isspace((unsigned char)at[n]))
			n++;
		char *word = g_strndup(at, n < WORD_MAX ? n : WORD_MAX);
		bool herald = is_herald(word);
		add_readings(heralded > 0 && announced ? c->announced : heralded > 0 ? c->heralded : c->rest, at, n);
		heralded = herald ? 3 : heralded > 0 ? heralded - 1 : 0;
		announced = announces(word) || (announced && n < WORD_MIN);
		if (herald && strchr(word, ':'))
			add_readings(c->announced, at, n);
		g_free(word);
		at += n;
	}
}

static void collect_part(struct walk *w, const struct part *p, struct candidates *c)
{
	size_t n;
	const uint8_t *data = part_file_map(w, p->number, TEXT_MAX_BYTES, &n);
	if (!data)
		return;
	char *text = g_strndup((const char *)data, n);
	part_file_unmap(data, n);
	if (tree_is_of_type(p, "html"))
		blank_markup(text);
	char *words = plain(text);
	collect_words(c, words);
	g_free(words);
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

static void add_all(GPtrArray *to, GPtrArray *from)
{
	for (guint i = 0; i < from->len; i++)
		add(to, g_ptr_array_index(from, i), strlen(g_ptr_array_index(from, i)));
	g_ptr_array_free(from, TRUE);
}

static GPtrArray *collect(struct walk *w)
{
	struct candidates c = { g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free) };
	unsigned texts = 0;
	for (unsigned i = 0; i < w->tree->count && texts < TEXTS_MAX; i++) {
		const struct part *p = &w->tree->parts[i];
		if (!p->has_file || p->size_bytes > TEXT_MAX_BYTES || !is_text_of_mail(w->tree, p))
			continue;
		collect_part(w, p, &c);
		texts++;
	}
	add_all(c.announced, c.heralded);
	for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
		add(c.announced, usual[i], strlen(usual[i]));
	add_all(c.announced, c.rest);
	return c.announced;
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
