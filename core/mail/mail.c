/* mail.c - small operations on the facts of one mail. Nothing is decided here. */
#include "config.h"
#include "mail/mail.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <talloc.h>

#include "base/digest.h"
#include "base/text.h"

#define ID_BITS_LEAST 24
#define ID_BITS_MOST 96	/* databases hold 16 characters */

static int compare(struct category a, struct category b)
{
	return a.major != b.major ? a.major - b.major : a.minor - b.minor;
}

static void insert(struct categories *c, struct category new)
{
	unsigned i = 0;
	while (i < c->count && compare(c->at[i], new) > 0)
		i++;
	if (i < c->count && compare(c->at[i], new) == 0)
		return;
	/* Ten majors with few minors always fit; should they not, the lowest goes: it decides least. */
	if (c->count == G_N_ELEMENTS(c->at))
		c->count--;
	if (i > c->count)
		return;
	memmove(&c->at[i + 1], &c->at[i], (c->count - i) * sizeof c->at[0]);
	c->at[i] = new;
	c->count++;
}

void categories_add(struct categories *c, enum ccat major, unsigned minor)
{
	insert(c, (struct category){ (uint8_t)major, 0 });
	if (minor > 0)
		insert(c, (struct category){ (uint8_t)major, (uint8_t)MIN(minor, 255u) });
}

bool categories_have(const struct categories *c, enum ccat major)
{
	for (unsigned i = 0; i < c->count; i++) {
		if (c->at[i].major == major)
			return true;
	}
	return false;
}

struct category categories_main(const struct categories *c)
{
	return c->count > 0 ? c->at[0] : (struct category){ CC_CLEAN, 0 };
}

static const char *copy(struct mail *m, const char *text)
{
	return text ? talloc_strdup(m, text) : NULL;
}

/* Room for one more at the end of a talloc array of the mail; memory whose size the program chooses: succeed or die. */
static void *grow(struct mail *m, void *array, unsigned count, size_t size)
{
	void *more = talloc_realloc_size(m, array, (count + 1) * size);
	if (!more)
		abort();
	return more;
}

void mail_add_finding(struct mail *m, const char *scanner, const char *version, const char *name, uint32_t part)
{
	m->findings = grow(m, m->findings, m->finding_count, sizeof *m->findings);
	m->findings[m->finding_count++] = (struct finding){ copy(m, scanner), copy(m, version), copy(m, name), part };
}

void mail_add_report(struct mail *m, const struct scan_report *report)
{
	m->reports = grow(m, m->reports, m->report_count, sizeof *m->reports);
	struct scan_report *mine = &m->reports[m->report_count++];
	*mine = *report;
	mine->scanner = copy(m, report->scanner);
	mine->error = copy(m, report->error);
	mine->output = copy(m, report->output);
}

void mail_add_score(struct mail *m, const char *origin, const char *test, double points, int recipient)
{
	m->scores = grow(m, m->scores, m->score_count, sizeof *m->scores);
	m->scores[m->score_count++] = (struct score_line){ copy(m, origin), copy(m, test), points, recipient };
}

static void fill_random(unsigned char *to, size_t n)
{
	size_t have = 0;
	while (have < n) {
		ssize_t got = getrandom(to + have, n - have, 0);
		if (got > 0)
			have += (size_t)got;
		else if (errno != EINTR)
			abort();	/* a guessable secret would release quarantined mails to anyone */
	}
}

/* One try; false when the id would not begin and end with a letter or digit. */
static bool try_id(char mail_id[20], char secret_id[28], unsigned bits)
{
	unsigned char secret[ID_BITS_MOST / 8], digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t secret_bytes = bits / 8;	/* as long as the id, like amavisd-new's */
	fill_random(secret, secret_bytes);
	char *secret_text = text_base64url(secret, secret_bytes);
	if (EVP_Digest(secret, secret_bytes, digest, &n, digest_md5(), NULL) != 1)
		abort();
	char *id = text_base64url(digest, n);
	id[bits / 6] = '\0';
	bool good = g_ascii_isalnum(id[0]) && g_ascii_isalnum(id[bits / 6 - 1]);
	snprintf(mail_id, 20, "%s", id);
	snprintf(secret_id, 28, "%s", secret_text);
	g_free(id);
	g_free(secret_text);
	return good;
}

void mail_id_make(char mail_id[20], char secret_id[28], unsigned bits)
{
	bits = CLAMP(bits, ID_BITS_LEAST, ID_BITS_MOST) / 24 * 24;
	while (!try_id(mail_id, secret_id, bits))
		;
}
