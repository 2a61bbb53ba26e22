/* reply.c - the text of replies. */
#include "config.h"
#include "reception/reply.h"

#include <glib.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>

#include "reception/local_end.h"
#include "reception/session.h"

#define PRODUCT "Postern"
#define TEXT_MAX 480		/* RFC 5321 4.5.3.1.5: 512 octets with code and CRLF */
#define REPLY_MAX 4000

/* Length of the enhanced status code "d.d{1,3}.d{1,3} " at the start of text, 0: none. */
static size_t enhanced_length(const char *text)
{
	size_t n = 0;
	if (!g_ascii_isdigit(text[0]) || text[1] != '.')
		return 0;
	n = 2 + strspn(text + 2, "0123456789");
	if (text[n] != '.')
		return 0;
	n += 1 + strspn(text + n + 1, "0123456789");
	return text[n] == ' ' && n < 12 ? n + 1 : 0;
}

/* Cuts at most TEXT_MAX bytes, at a space where there is one, never within a UTF-8 character. */
static size_t piece_length(const char *text, size_t n)
{
	if (n <= TEXT_MAX)
		return n;
	for (size_t cut = TEXT_MAX; cut > TEXT_MAX / 2; cut--)
		if (text[cut] == ' ')
			return cut;
	size_t cut = TEXT_MAX;
	while (cut > 1 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

static void send_lines(struct session *s, const char *reply, size_t n)
{
	size_t head = 4 + enhanced_length(reply + 4);
	size_t at = head;
	do {
		size_t piece = piece_length(reply + at, n - at);
		bool last = at + piece >= n;
		session_send(s, reply, 3);
		session_send(s, last ? " " : "-", 1);
		session_send(s, reply + 4, head - 4);
		session_send(s, reply + at, piece);
		session_send(s, "\r\n", 2);
		at += piece;
		if (!last && reply[at] == ' ')
			at++;
	} while (at < n);
}

static bool well_formed(const char *reply)
{
	return reply[0] >= '2' && reply[0] <= '5' && g_ascii_isdigit(reply[1]) && g_ascii_isdigit(reply[2]) && reply[3] == ' ';
}

bool reply_is_positive(const char *reply)
{
	return well_formed(reply) && reply[0] == '2';
}

/* Next hops, scanners and lookups are quoted; only who has said SMTPUTF8 reads more than ASCII (RFC 6531 3.1). */
static void make_printable(char *text, size_t n, bool utf8)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < ' ' || c == 0x7f)
			text[i] = ' ';
		else if (c >= 0x80 && !utf8)
			text[i] = '?';
	}
}

void reply_send(struct session *s, const char *reply)
{
	char clean[REPLY_MAX + 1];
	if (!well_formed(reply))
		reply = "451 4.3.0 Error: the reply to this mail was malformed, try again";
	size_t n = g_strlcpy(clean, reply, sizeof clean);
	if (n > REPLY_MAX)
		n = REPLY_MAX;
	make_printable(clean, n, s->utf8);
	send_lines(s, clean, n);
}

void reply_sendf(struct session *s, const char *format, ...)
{
	char text[REPLY_MAX + 1];
	va_list args;
	va_start(args, format);
	g_vsnprintf(text, sizeof text, format, args);
	va_end(args);
	reply_send(s, text);
}

char *reply_expand_banner(void *owner, const char *banner, const char *helo_name, const char *protocol)
{
	GString *text = g_string_new(banner);
	g_string_replace(text, "${helo-name}", helo_name, 0);
	g_string_replace(text, "${protocol}", protocol, 0);
	g_string_replace(text, "${product}", PRODUCT, 0);
	g_string_replace(text, "${version}", PACKAGE_VERSION, 0);
	char *result = talloc_strdup(owner, text->str);
	g_string_free(text, TRUE);
	return result;
}

char *reply_helo_name(void *owner, const struct session *s)
{
	char text[LOCAL_END_SIZE];
	if (!local_end_address(s->fd, text, NULL))
		return talloc_strdup(owner, s->reception->options->myhostname);
	return talloc_asprintf(owner, "[%s%s]", strchr(text, ':') != NULL ? "IPv6:" : "", text);
}
