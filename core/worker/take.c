/* take.c - takes a job over: envelope, header index, sizes, the digest for the ledgers.  It looks nothing up. */
#include "worker/take.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/io.h"

#define ENVELOPE_MAX (64u * 1024 * 1024)
#define BLOCK 65536

static int close_fd(struct mail *m)
{
	if (m->fd >= 0)
		close(m->fd);
	return 0;
}

static int parse_envelope(struct mail *m, const void *record, size_t n, struct error *e)
{
	struct envelope *envelope = talloc_zero(m, struct envelope);
	struct wire_reader r;
	if (!wire_open(&r, record, n) || r.kind != RECORD_ENVELOPE || envelope_read(&r, m, envelope) != 0)
		return error_set(e, ERROR_INPUT, "envelope: bad record");
	m->envelope = envelope;
	return 0;
}

static int read_envelope(struct mail *m, int fd, struct error *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || st.st_size <= 0 || (uint64_t)st.st_size > ENVELOPE_MAX)
		return error_set(e, ERROR_INPUT, "envelope: no proper size");
	char *data = talloc_size(m, (size_t)st.st_size);
	int rc = io_pread_full(fd, data, (size_t)st.st_size, 0) == 0 ? parse_envelope(m, data, (size_t)st.st_size, e)
		: error_set(e, ERROR_INPUT, "envelope: bad record");
	talloc_free(data);
	return rc;
}

static int take_envelope(struct mail *m, const struct job *job, int fd, struct error *e)
{
	if (fd < 0)
		return parse_envelope(m, job->envelope, job->envelope_bytes, e);
	int rc = read_envelope(m, fd, e);
	close(fd);
	return rc;
}

/* One pass: what amavisd-new calls the size (line ends count one), and the digest below the topmost Received field,
 * which differs between tries of one mail. */
static int measure(struct mail *m, struct error *e)
{
	const struct header_field *received = header_find(&m->header, "received");
	uint64_t from = received ? received->offset + received->length : 0, newlines = 0;
	unsigned char block[BLOCK], digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int rc = 0;
	EVP_DigestInit_ex(context, digest_sha256(), NULL);
	for (uint64_t at = 0; at < m->size_bytes && rc == 0; ) {
		size_t n = m->size_bytes - at < BLOCK ? (size_t)(m->size_bytes - at) : BLOCK;
		rc = io_pread_full(m->fd, block, n, (off_t)at);
		for (size_t i = 0; i < n; i++)
			newlines += block[i] == '\n';
		uint64_t skip = at < from ? (from - at < n ? from - at : n) : 0;
		EVP_DigestUpdate(context, block + skip, n - skip);
		at += n;
	}
	EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	memcpy(m->digest, digest, sizeof m->digest);
	m->ledger_digest_known = 1;
	m->size_lf_bytes = m->size_bytes - newlines;
	return rc == 0 ? 0 : error_set_errno(e, "mail: read");
}

static struct mail *new_mail(void *owner, const struct job *job, int mail_fd, int cancel_fd)
{
	struct mail *m = talloc_zero(owner, struct mail);
	m->magic = MAIL_MAGIC;
	m->fd = mail_fd;
	talloc_set_destructor(m, close_fd);
	m->log_id = talloc_strdup(m, job->log_id);
	m->size_bytes = job->size_bytes;
	m->deadline = (struct deadline){ .at_ms = job->deadline_ms, .cancel_fd = cancel_fd };
	m->started_ms = clock_now_ms();
	return m;
}

struct mail *take_question(void *owner, const struct job *job, int envelope_fd, int cancel_fd, struct error *e)
{
	struct mail *m = new_mail(owner, job, -1, cancel_fd);
	if (take_envelope(m, job, envelope_fd, e) == 0)
		return m;
	talloc_free(m);
	return NULL;
}

struct mail *take_mail(void *owner, const struct job *job, int mail_fd, int envelope_fd, int cancel_fd, unsigned mail_id_bits, struct error *e)
{
	struct mail *m = new_mail(owner, job, mail_fd, cancel_fd);
	mail_id_make(m->mail_id, m->secret_id, mail_id_bits);
	int rc = take_envelope(m, job, envelope_fd, e);
	if (rc == 0 && header_read(m->fd, m->size_bytes, m, &m->header) != 0)
		rc = error_set_errno(e, "mail: read");
	if (rc == 0)
		rc = measure(m, e);
	if (rc == 0)
		return m;
	talloc_free(m);
	return NULL;
}
