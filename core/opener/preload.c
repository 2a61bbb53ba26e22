/* preload.c - everything that libraries would read lazily and cannot inside the jail, read once in the opener template. */
#include "config.h"

#include "opener/opener.h"

#include <gmime/gmime.h>
#include <iconv.h>
#include <locale.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <time.h>

#include "base/digest.h"
#include "opener/types.h"

#define MMAP_THRESHOLD_BYTES (32 * 1024 * 1024)
#define TRIM_THRESHOLD_BYTES (64 * 1024 * 1024)

static const char *const charsets[] = {
	"us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-9",
	"iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "windows-1250", "windows-1251", "windows-1252", "windows-1253",
	"windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874", "koi8-r", "koi8-u", "gb2312", "gbk",
	"gb18030", "big5", "shift_jis", "iso-2022-jp", "euc-jp", "euc-kr", "iso-2022-kr", "utf-7", "utf-16", "utf-16le", "utf-16be", "utf-32",
	"utf-32le", "utf-32be", "ibm037", "ibm500", "ibm1047",
	"cp437", "cp850", "cp852", "cp866", "cp932", "cp949", "cp950", "tis-620", "macintosh",
};

/* The descriptors stay open for good: glibc keeps a charset's module only as long as one does. One that is unknown here
 * stays unknown in the jail, and names in it are seen in their raw reading. */
static iconv_t kept[G_N_ELEMENTS(charsets)];

/* The last is the one that is asked for most. */
static const char *const digests[] = { "MD5", "SHA256", "SHA1" };

static void preload_charsets(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++)
		kept[i] = iconv_open("UTF-8", g_mime_charset_iconv_name(charsets[i]));
}

int opener_preload(struct error *e)
{
	static bool done;
	if (done)
		return 0;
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
	mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES);
	setlocale(LC_CTYPE, "C.UTF-8");		/* names in archives are NULL in the C locale */
	tzset();
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(digests); i++)
		(void)digest_by_name(digests[i]);
	g_mime_init();
	preload_charsets();
	if (types_load(e) != 0)
		return error_prefix(e, "opener");
	done = true;
	return 0;
}
