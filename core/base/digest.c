/* digest.c - see digest.h. */
#include "config.h"
#include "base/digest.h"

#include <glib.h>

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
