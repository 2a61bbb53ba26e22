/* digest.c - see digest.h. */
#include "config.h"
#include "base/digest.h"

#include <glib.h>
#include <string.h>

/* Where the look-up fails, what the caller does with the unfetched one fails too, and says so. */
static const EVP_MD *fetch(const char *name, const EVP_MD *unfetched)
{
	const EVP_MD *fetched = EVP_MD_fetch(NULL, name, NULL);
	return fetched ? fetched : unfetched;
}

const EVP_MD *digest_sha256(void)
{
	static gsize made;
	static const EVP_MD *md;
	if (g_once_init_enter(&made)) {
		md = fetch("SHA256", EVP_sha256());
		g_once_init_leave(&made, 1);
	}
	return md;
}

const EVP_MD *digest_md5(void)
{
	static gsize made;
	static const EVP_MD *md;
	if (g_once_init_enter(&made)) {
		md = fetch("MD5", EVP_md5());
		g_once_init_leave(&made, 1);
	}
	return md;
}

const EVP_MD *digest_by_name(const char *name)
{
	static char known[32];
	static EVP_MD *md;
	if (!name || !*name || strlen(name) >= sizeof known)
		return NULL;
	if (strcmp(known, name) != 0) {
		EVP_MD_free(md);
		md = EVP_MD_fetch(NULL, name, NULL);
		g_strlcpy(known, name, sizeof known);
	}
	return md;
}

void digest_text(const unsigned char *digest, size_t n, char text[DIGEST_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *to = text;
	for (size_t i = 0; i < n && i < EVP_MAX_MD_SIZE; i++) {
		*to++ = digits[digest[i] >> 4];
		*to++ = digits[digest[i] & 15];
	}
	*to = '\0';
}

bool digest_of(const char *name, const void *data, size_t n, char text[DIGEST_TEXT_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	const EVP_MD *md = digest_by_name(name);
	if (!md || n == 0 || EVP_Digest(data, n, digest, &length, md, NULL) != 1)
		return false;
	digest_text(digest, length, text);
	return true;
}
