/* test_opener_parts.c - the pure pieces of the opener: transfer encodings, uuencode, types, parameters. */
#include "config.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "opener/names.h"
#include "opener/parameters.h"
#include "opener/text_file.h"
#include "opener/transfer.h"
#include "opener/types.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* --- transfer encodings --- */

static char decoded[4096];

static struct transfer decode(enum transfer_encoding encoding, const char *text)
{
	struct transfer t;
	uint8_t out[4096];
	transfer_begin(&t, encoding);
	size_t n = transfer_decode(&t, (const uint8_t *)text, strlen(text), out);
	n += transfer_end(&t, out + n);
	memcpy(decoded, out, n);
	decoded[n] = '\0';
	return t;
}

static void test_base64(void **state)
{
	struct transfer t = decode(TRANSFER_BASE64, "aGVs\r\nbG8=\r\n");
	assert_string_equal(decoded, "hello");
	assert_false(transfer_failed(&t) || transfer_doubts(&t));
	t = decode(TRANSFER_BASE64, "aGVsbG8");
	assert_string_equal(decoded, "hello");
	assert_false(transfer_failed(&t));
	assert_int_equal(transfer_doubts(&t), 1u << TRANSFER_WITHOUT_TAIL);
	t = decode(TRANSFER_BASE64, "aGVsb");
	assert_string_equal(decoded, "hel");
	assert_true(transfer_failed(&t));
	t = decode(TRANSFER_BASE64, "aGVsbG8=aGVsbG8=");
	assert_string_equal(decoded, "hellohello");
	assert_int_equal(transfer_doubts(&t), 1u << TRANSFER_UNTIL_PADDING | 1u << TRANSFER_THROUGH_PADDING);
	t = decode(TRANSFER_BASE64, "<<<<>>>> a, b !!");
	assert_true(transfer_failed(&t));
	t = decode(TRANSFER_BASE64, "");
	assert_false(transfer_failed(&t));
}

static void test_quoted_printable(void **state)
{
	struct transfer t = decode(TRANSFER_QUOTED_PRINTABLE, "a=3Db=\r\nc=  \r\nd=ZZ=4");
	assert_string_equal(decoded, "a=bcd=ZZ=4");
	assert_int_equal(t.junk, 2);
	decode(TRANSFER_QUOTED_PRINTABLE, "x=");
	assert_string_equal(decoded, "x");
	decode(TRANSFER_QUOTED_PRINTABLE, "=c3=bC");
	assert_string_equal(decoded, "ü");
}

/* However it is cut, the pieces decode to the whole. */
static void test_cuts(void **state)
{
	static const char text[] = "abc=3Ddef=\r\nghi=41=42\r\nlonger line without any escape\r\n==3D=\r\n=";
	decode(TRANSFER_QUOTED_PRINTABLE, text);
	char *whole = g_strdup(decoded);
	for (size_t want = 16; want < sizeof text; want++) {
		struct transfer t;
		uint8_t out[256];
		size_t n = 0, at = 0;
		transfer_begin(&t, TRANSFER_QUOTED_PRINTABLE);
		while (at < sizeof text - 1) {
			const uint8_t *rest = (const uint8_t *)text + at;
			size_t left = sizeof text - 1 - at, cut = transfer_cut(rest, left, want < left ? want : left);
			assert_true(cut > 0 && cut <= left);
			n += transfer_decode(&t, rest, cut, out + n);
			at += cut;
		}
		assert_int_equal(n, strlen(whole));
		assert_memory_equal(out, whole, n);
	}
	g_free(whole);
}

/* --- uuencode --- */

static void test_uudecode(void **state)
{
	static const char text[] = "prose\nbegin 123 prose too\nbegin 644 my file.txt\n%:&5L;&\\\n`\nend\nrest\n";
	struct text_file b;
	assert_true(uu_find(BYTES(text), 0, SIZE_MAX, &b));
	assert_string_equal(b.name, "my file.txt");
	assert_int_equal(b.content->len, 5);
	assert_memory_equal(b.content->data, "hello", 5);
	assert_false(b.broken);
	assert_memory_equal(text + b.end, "rest", 4);
	size_t end = b.end;
	text_file_clear(&b);
	assert_false(uu_find(BYTES(text), end, SIZE_MAX, &b));
}

static void test_uudecode_broken(void **state)
{
	static const char no_end[] = "begin 644 a\r\n%:&5L;&\\\r\n";
	static const char lies[] = "begin 644 a\nM\nend\n";
	static const char empty[] = "begin 644 a";
	struct text_file b;
	assert_true(uu_find(BYTES(no_end), 0, SIZE_MAX, &b));
	assert_true(b.broken);
	assert_int_equal(b.content->len, 5);
	text_file_clear(&b);
	assert_false(uu_find(BYTES(lies), 0, SIZE_MAX, &b));
	assert_false(uu_find(BYTES(empty), 0, SIZE_MAX, &b));
	assert_false(uu_find((const uint8_t *)"", 0, 0, SIZE_MAX, &b));
}

/* Two bytes of text become 45: no more than may be. */
static void test_uudecode_lost_blanks(void **state)
{
	GString *text = g_string_new("begin 644 a\nM");
	for (int i = 0; i < 60; i++)
		g_string_append_c(text, '5');
	for (int i = 0; i < 10000; i++)
		g_string_append(text, "\nM");
	g_string_append(text, "\n`\nend\n");
	struct text_file b;
	assert_true(uu_find((const uint8_t *)text->str, text->len, 0, SIZE_MAX, &b));
	assert_false(b.broken);
	assert_int_equal(b.content->len, 45 * 10001);
	text_file_clear(&b);
	assert_true(uu_find((const uint8_t *)text->str, text->len, 0, 1000, &b));
	assert_true(b.broken && !b.other);
	assert_int_equal(b.content->len, 1000);
	text_file_clear(&b);
	g_string_free(text, TRUE);
}

static void test_uudecode_base64(void **state)
{
	static const char text[] = "begin-base64 644 x\naGVs\nbG8=\n====\n";
	struct text_file b;
	assert_true(uu_find(BYTES(text), 0, SIZE_MAX, &b));
	assert_int_equal(b.content->len, 5);
	assert_false(b.broken);
	text_file_clear(&b);
}

static void assert_one_file(const char *text, const char *name, const char *content, bool broken, bool ambiguous)
{
	struct text_files s = { .text = (const uint8_t *)text, .n = strlen(text), .max_bytes = 1000 };
	struct text_file f;
	assert_true(text_files_next(&s, &f));
	assert_string_equal(f.name, name);
	assert_int_equal(f.content->len, strlen(content));
	assert_memory_equal(f.content->data, content, strlen(content));
	assert_int_equal(f.broken, broken);
	assert_int_equal(f.ambiguous, ambiguous);
	text_file_clear(&f);
	assert_false(text_files_next(&s, &f));
}

static void test_xxencode(void **state)
{
	assert_one_file("begin 644 x\n3O4JgP4w+\n+\nend\n", "x", "hello", false, false);
}

/* The line of its begin as sloppy readers take it; prose that begins so has small letters in its next line. */
static void test_uudecode_loose_begin(void **state)
{
	assert_one_file("begin  x\n%:&5L;&\\\n`\nend\n", "x", "hello", false, false);
	assert_one_file("begin\t644\tx\n%:&5L;&\\\n`\nend\n", "x", "hello", false, false);
	assert_one_file("begin 100644 x\n%:&5L;&\\\n`\nend\n", "x", "hello", false, false);
	assert_one_file("begin 6 x\n%:&5L;&\\\n`\nend\n", "x", "hello", false, false);
	assert_one_file("begin 644\n%:&5L;&\\\n`\nend\n", "", "hello", false, false);
	assert_one_file("begin 644x.exe\n%:&5L;&\\\n`\nend\n", "644x.exe", "hello", false, false);
	static const char *const prose[] = {
		"begin the day\nThere is no better way than to sleep in, they say in X.\n", "beginning 644 x\n%:&5L;&\\\n`\nend\n",
		"begin \n\nend\n", "begin : x\n/* COMMENT */\nend\n", "begin it\n  \nend\n", "begin-base64 x\naGVsbG8=\n====\n",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(prose); i++) {
		struct text_file f;
		assert_false(uu_find((const uint8_t *)prose[i], strlen(prose[i]), 0, SIZE_MAX, &f));
	}
}

static void test_lengths_that_lie(void **state)
{
	struct text_file f;
	assert_true(uu_find(BYTES("begin 644 x\n%:&5L;&\\\n!:&5L;&]H:&5L;&]H\n`\nend\n"), 0, SIZE_MAX, &f));
	assert_true(f.broken && f.ambiguous);
	assert_int_equal(f.content->len, 6);
	assert_int_equal(f.other->len, 5 + 12);
	text_file_clear(&f);
}

static void test_yenc(void **state)
{
	assert_one_file("=ybegin line=128 size=5 name=a b.txt\r\n\x92\x8f\x96\x96\x99\r\n=yend size=5\r\n", "a b.txt", "hello", false, false);
	assert_one_file("=ybegin line=128 size=7 name=x\r\n\x92\x8f\x96\x96\x99\r\n=yend size=5\r\n", "x", "hello", true, false);
	assert_one_file("=ybegin line=128 size=1 name=x\n=}\n=yend\n", "x", "\x13", false, false);
	assert_one_file("=ybegin part=1 total=2 line=128 size=5 name=x\n=ypart begin=1 end=3\n\x92\x8f\x96\n=yend size=3\n\n"
		"=ybegin part=2 total=2 line=128 size=5 name=x\n=ypart begin=4 end=5\n\x96\x99\n=yend size=2\n", "x", "hello", false, false);
	assert_one_file("=ybegin line=128 size=5 name=x\n\x92\x8f\x96\x96\x99\n", "x", "hello", true, false);
}

static void test_binhex(void **state)
{
	struct text_files s = { .text = (const uint8_t *)":#", .n = 2, .is_binhex = true, .max_bytes = 10 };
	struct text_file f;
	assert_false(text_files_next(&s, &f));
	assert_one_file("x\n" BINHEX_MARK " 4.0)\n\n:\"AJZBfpY!%&38%`r2cmr!!!!!!!&!!!!!*-GD'9XE'r$BJ!!:\n", "x.com", "hello", false, false);
	assert_one_file(BINHEX_MARK " 4.0)\n\n:\"AJZBfpY!%&38%`r2cmr!!!!!!!&!!!!!*-GD'9XE:\n", "x.com", "hel", true, true);
}

/* --- types --- */

static void assert_type(const char *data, size_t n, const char *shorts)
{
	struct type_guess g;
	types_guess((const uint8_t *)data, n, &g);
	if (strcmp(g.shorts, shorts) != 0)
		fail_msg("wanted %s, got %s (%s)", shorts, g.shorts, g.full);
}
#define ASSERT_TYPE(data, shorts) assert_type(data, sizeof(data) - 1, shorts)

static void test_types_by_prefix(void **state)
{
	ASSERT_TYPE("PK\3\4....", "zip");
	ASSERT_TYPE("PK\5\6", "zip");
	ASSERT_TYPE("\x7f" "ELF\2\1\1", "exe,exe-unix");
	ASSERT_TYPE("MZ\x90\0\3\0", "exe,exe-ms");
	ASSERT_TYPE("MZ is what he wrote", "txt");
	ASSERT_TYPE("\x1f\x8b\x08", "gz");
	ASSERT_TYPE("BZh91AY&SY", "bz2");
	ASSERT_TYPE("\xfd" "7zXZ\0", "xz");
	ASSERT_TYPE("\x28\xb5\x2f\xfd", "zst");
	ASSERT_TYPE("7z\xbc\xaf\x27\x1c", "7z");
	ASSERT_TYPE("Rar!\x1a\x07\0", "rar");
	ASSERT_TYPE("MSCF\0\0\0\0", "cab");
	ASSERT_TYPE("%PDF-1.4", "pdf");
	ASSERT_TYPE("{\\rtf1", "rtf");
	ASSERT_TYPE("\x1f\x9d\x90\x41\x42\x43\x44\x45", "Z");
	ASSERT_TYPE("\x24\0-lh5-", "dat");
	ASSERT_TYPE("\x24\0-lh5-\0", "lha");
	ASSERT_TYPE("\x60\xea\x2c\0\x22\x0b\1\2", "arj");
	ASSERT_TYPE("\x02\x21\x4c\x18", "lz4");
	ASSERT_TYPE("\x50\x2a\x4d\x18\4\0\0\0", "zst");
	ASSERT_TYPE("\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", "lzma");
	ASSERT_TYPE("\xca\xfe\xba\xbe\0\0\0\x34", "java");
	ASSERT_TYPE("\xca\xfe\xba\xbe\0\0\0\2", "exe,exe-unix");
	ASSERT_TYPE("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "one");
	ASSERT_TYPE("ITSF\3\0\0\0", "chm");
	ASSERT_TYPE("L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "lnk");
	ASSERT_TYPE("{\\rt1", "rtf");
	ASSERT_TYPE("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc,cdf-ms");
	ASSERT_TYPE("\x89PNG\r\n\x1a\n", "image,png");
	ASSERT_TYPE("\xff\xd8\xff\xe0", "image,jpg");
	ASSERT_TYPE("GIF89a", "image,gif");
	ASSERT_TYPE("#!/bin/sh\n", "txt,script");
	ASSERT_TYPE("-----BEGIN PGP MESSAGE-----\n", "pgp,pgp.enc");
}

static void test_types_by_offset(void **state)
{
	static char tar[512], iso[33000];
	memcpy(tar + 257, "ustar", 5);
	assert_type(tar, sizeof tar, "tar");
	memcpy(iso + 32769, "CD001", 5);
	assert_type(iso, sizeof iso, "iso");
	static char dll[256] = "MZ";
	dll[60] = 64;
	memcpy(dll + 64, "PE\0\0", 4);
	assert_type(dll, sizeof dll, "exe,exe-ms");
	dll[64 + 23] = 0x20;
	assert_type(dll, sizeof dll, "exe,exe-ms,dll");
}

static void test_types_of_documents(void **state)
{
	static char ole[2048] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
	ASSERT_TYPE("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml....word/document.xml", "doc,ooxml,docx");
	ASSERT_TYPE("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml....xl/workbook.xml", "doc,ooxml,xlsx");
	ASSERT_TYPE("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0mimetypeapplication/epub+zip", "epub");
	ASSERT_TYPE("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0mimetypeapplication/vnd.oasis.opendocument.text",
		"doc,odf,odt");
	ASSERT_TYPE("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\0\0META-INF/MANIFEST.MF", "jar");
	assert_type(ole, 512, "doc,cdf-ms");
	ole[30] = 9;				/* sectors of 512 bytes, the directory in the second */
	ole[48] = 1;
	memcpy(ole + 1024 + 80, "\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 16);
	assert_type(ole, sizeof ole, "msi,cdf-ms");
	memcpy(ole + 1024 + 80, "\x0b\x0d\x02", 3);
	assert_type(ole, sizeof ole, "msg,cdf-ms");
	ole[48] = (char)0xff;			/* outside of the file */
	assert_type(ole, sizeof ole, "doc,cdf-ms");
}

/* What stands at the end counts, too. */
static void test_types_by_tail(void **state)
{
	static char file[1000] = "GIF89a";
	memcpy(file + 800, "PK\1\2", 4);
	memcpy(file + 850, "PK\5\6", 4);
	file[850 + 12] = 50;			/* the directory's length */
	assert_type(file, sizeof file, "image,gif,zip");
	file[850 + 12] = 51;			/* there is none */
	assert_type(file, sizeof file, "image,gif");
	memset(file, 0, sizeof file);
	memcpy(file + sizeof file - 512, "conectix", 8);
	assert_type(file, sizeof file, "dat,vhd");
	ASSERT_TYPE("junk %PDF-1.4 ... startxref 9", "txt,pdf");
	ASSERT_TYPE("prose about %PDF-1.4", "txt");
}

static void test_types_of_scripts(void **state)
{
	ASSERT_TYPE("var x = new ActiveXObject('a');", "txt,js");
	ASSERT_TYPE("\r\n@ECHO OFF\r\n", "txt,bat");
	ASSERT_TYPE("Dim a\r\nOn Error Resume Next\r\n", "txt,vbs");
	ASSERT_TYPE("<html><HTA:APPLICATION id=x>", "html,hta");
	ASSERT_TYPE("<job id=\"a\"><script language=\"JScript\">", "xml,wsf");
	ASSERT_TYPE("[InternetShortcut]\r\nURL=file://x\r\n", "url");
	ASSERT_TYPE("BEGIN:VCALENDAR\r\n", "txt,ics");
}

static void test_types_of_text(void **state)
{
	ASSERT_TYPE("", "empty");
	ASSERT_TYPE("hello\r\n", "txt");
	ASSERT_TYPE("gr\xfc\xdf\x65\n", "txt");
	ASSERT_TYPE("grüße\n", "txt");
	ASSERT_TYPE("  <HTML><body>", "html");
	ASSERT_TYPE("<?xml version=\"1.0\"?><a/>", "xml");
	ASSERT_TYPE("<svg xmlns=\"x\"/>", "image,svg");
	ASSERT_TYPE("Received: from x\r\nMIME-Version: 1.0\r\n\r\n", "mail");
	ASSERT_TYPE("From: him, with love\r\n", "txt");
}

static void test_types_of_descriptions(void **state)
{
	assert_string_equal(types_short_of_full("ARJ archive data, v11"), "arj");
	assert_string_equal(types_short_of_full("PE32 executable (DLL) (GUI) Intel 80386"), "exe,exe-ms,dll");
	assert_string_equal(types_short_of_full("Bourne-Again shell script text executable"), "exe");
	assert_string_equal(types_short_of_full("MPEG ADTS, layer III, v1"), "audio,mpa,mp2");
	assert_string_equal(types_short_of_full("data"), "dat");
}

static void test_encrypted(void **state)
{
	struct type_guess g = { .shorts = "zip" };
	assert_true(types_is_encrypted(BYTES("PK\3\4\x14\0\1\0"), &g));
	assert_false(types_is_encrypted(BYTES("PK\3\4\x14\0\0\0"), &g));
	assert_false(types_is_encrypted(BYTES("PK\3\4"), &g));
}

/* --- parameters --- */

static void join(void *context, const char *value)
{
	g_string_append_printf(context, "[%s]", value);
}

static void assert_readings(const char *raw, const char *wanted)
{
	GString *got = g_string_new(NULL);
	parameters_read(raw, "name", join, got);
	if (!strstr(got->str, wanted))
		fail_msg("%s: wanted %s, got %s", raw, wanted, got->str);
	g_string_free(got, TRUE);
}

static void test_parameters(void **state)
{
	assert_readings("a/b; Name=x; NAME=\"y;z\"; n", "[x]");
	assert_readings("a/b; Name=x; NAME=\"y;z\"; n", "[y;z]");
	assert_readings("a/b; name=\"a\\\"b\"", "[a\"b]");
	assert_readings("a/b; name=\"open", "[open]");
	assert_readings("a/b; name=\"x\".exe; y=z", "[x.exe]");
	assert_readings("a/b; name=\"c:\\x\\y.exe\"", "[c:\\x\\y.exe]");
	assert_readings("a/b; name = evil file.exe ; x", "[evil file.exe]");
	assert_readings("a/b; na(c)me=x.exe", "[x.exe]");
	assert_readings("a/b;\r\n name*1=y;\r\n name*0=x", "[xy]");
	assert_readings("a/b; name*0*=utf-8''x%2; name*1*=Eexe", "[x%2Eexe]");
	assert_readings("a/b; name*0*=utf-8''x%2E; name*1=exe", "[x.exe]");
	assert_readings("a/b; name*=utf-8'de'x%2eexe", "[x.exe]");
	assert_readings("a/b; name=\"x.e\r\n\txe\"", "[x.exe]");
	assert_readings("a/b; name*0=a; name*0=b; name*1=.exe", "[a.exe]");
	assert_readings("a/b; name*0=a; name*0=b; name*1=.exe", "[b.exe]");
	assert_readings("a/b; name*0=x.exe; name*2=.txt", "[x.exe]");
}

static void test_parameters_given_twice(void **state)
{
	GString *got = g_string_new(NULL);
	assert_int_equal(parameters_read("a/b; name=x; name=x", "name", join, got), 0);
	assert_int_equal(parameters_read("a/b; name=x; name=y", "name", join, got), PARAMETERS_CONFLICT);
	assert_int_equal(parameters_read("a/b; name=x; name*=utf-8''y", "name", join, got), 0);
	g_string_free(got, TRUE);
}

static void test_names_keep_both_ends(void **state)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	char *long_name = g_strnfill(10000, 'a');
	memcpy(long_name + 9996, ".exe", 4);
	assert_false(names_add(names, long_name));
	assert_true(g_str_has_suffix(g_ptr_array_index(names, 0), ".exe"));
	assert_int_equal(strlen(g_ptr_array_index(names, 0)), NAME_BYTES_MAX);
	assert_true(names_add(names, "x") && names_add(names, "x") && names_add(names, ""));
	assert_int_equal(names->len, 2);
	g_ptr_array_free(names, TRUE);
	g_free(long_name);
}

int main(void)
{
	struct error e;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64), cmocka_unit_test(test_quoted_printable), cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_uudecode), cmocka_unit_test(test_uudecode_broken), cmocka_unit_test(test_uudecode_base64), cmocka_unit_test(test_uudecode_lost_blanks),
		cmocka_unit_test(test_xxencode),
		cmocka_unit_test(test_uudecode_loose_begin),
		cmocka_unit_test(test_lengths_that_lie), cmocka_unit_test(test_yenc), cmocka_unit_test(test_binhex),
		cmocka_unit_test(test_types_by_prefix), cmocka_unit_test(test_types_by_offset), cmocka_unit_test(test_types_of_text), cmocka_unit_test(test_types_of_documents), cmocka_unit_test(test_types_by_tail),
		cmocka_unit_test(test_types_of_scripts),
		cmocka_unit_test(test_types_of_descriptions), cmocka_unit_test(test_encrypted), cmocka_unit_test(test_parameters), cmocka_unit_test(test_parameters_given_twice),
		cmocka_unit_test(test_names_keep_both_ends),
	};
	if (types_load(&e) != 0)
		print_message("# %s\n", e.text);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
