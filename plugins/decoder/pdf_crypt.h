/* pdf_crypt.h - encrypted PDF files: the standard handler, RC4 and AES, by the empty password that most are made with, or by a word.
 *
 * A file that restricts printing only is open to everybody: viewers try the
 * empty password before they ask for one. */
#ifndef POSTERN_DECODER_PDF_CRYPT_H
#define POSTERN_DECODER_PDF_CRYPT_H

#include "pdf_syntax.h"

enum pdf_method { PDF_PLAIN, PDF_RC4, PDF_AES_128, PDF_AES_256, PDF_METHOD_UNKNOWN };

struct pdf_crypt {
	int64_t version, revision, permissions;
	size_t key_bytes;
	bool metadata;			/* it is encrypted, too */
	enum pdf_method streams, strings, files;
	struct span owner, user, owner_key, user_key, id;
	uint8_t key[32];
};

/* From the dictionary that the trailer's Encrypt names, and the file's first ID. false: a handler that is not known here. */
bool pdf_crypt_read(struct postern_call *call, const struct pdf_dict *d, struct span id, struct pdf_crypt *c);
/* Does this password open it, as the user's or the owner's? The key is set then. */
bool pdf_crypt_try(struct pdf_crypt *c, const char *password);
/* Decrypt into out (as large as s); how many bytes there are; SIZE_MAX: it cannot be. */
size_t pdf_decrypt(const struct pdf_crypt *c, enum pdf_method method, uint32_t number, uint32_t generation, struct span s, uint8_t *out);

#endif
