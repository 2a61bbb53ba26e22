/* smtp_data.h - the reader of mail bytes: end of data, dot-unstuffing, line ends (RFC 5321 4.5.2, 2.3.8).
 *
 * Only CRLF "." CRLF as received ends the data (the CRLF of the DATA command
 * counts as the first); CRLF "." followed by anything else loses that one dot;
 * a dot after a bare LF or CR is text.  What comes out has CRLF line ends only:
 * a bare LF is a line end, a bare CR is a line end, and CRs directly before a LF
 * belong to that one line end (CR CR LF is the mark of a text-mode translation;
 * two line ends there would end the header after its first field).  Nothing
 * depends on how the input was cut into packets. */
#ifndef POSTERN_RECEPTION_SMTP_DATA_H
#define POSTERN_RECEPTION_SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data_reader {
	uint8_t state;
	bool dots;		/* DATA: dots matter; BDAT: they do not */
	bool bare_cr, bare_lf;	/* some were seen */
	uint64_t pending_cr;	/* CRs read, not yet known what they are */
};

/* Gets the decoded bytes, in order, in pieces of any size. */
typedef void data_sink(void *user, const uint8_t *data, size_t n);

void data_reader_start(struct data_reader *r, bool dots);
/* Returns how much was taken: all of n, or less when *ended became true. */
size_t data_reader_feed(struct data_reader *r, const uint8_t *in, size_t n, bool *ended, data_sink *sink, void *user);
/* The last chunk of BDAT has been fed: what is pending comes out. */
void data_reader_finish(struct data_reader *r, data_sink *sink, void *user);

#endif
