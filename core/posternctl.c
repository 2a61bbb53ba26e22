/* posternctl.c - asks the master over its control socket and prints the answer.
 * It knows no configuration but where that socket is. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <talloc.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/text.h"
#include "template/talk.h"

#define NOT_COMPLETED 2	/* exit code of scan */
#define COMMAND_MAX 3900	/* bytes of words: the record is read into 4096 */
#define DEFAULT_SOCKET "/var/lib/postern/postern.ctl"

static void usage(FILE *to)
{
	fputs("usage: posternctl [-s SOCKET] [--json] status | reload | stop | scan [--tree] FILE...\n"
		"       posternctl [-s SOCKET] [--json] explain --from ADDRESS --to ADDRESS... [--client IP] [--interface PORT|ADDRESS:PORT|PATH]\n"
		"  -s SOCKET  the setting control_socket of the daemon (" DEFAULT_SOCKET ")\n"
		"  --tree     scan: print every part that was found in the file, too\n"
		"scan FILE (a mail or any file) asks every scanner; exit code 0: all clean, 1: one is infected, 2: one not completed\n"
		"explain prints the policy banks, lookups and settings that a mail would get, and where each comes from\n", to);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		fprintf(stderr, "posternctl: %s: the path is too long\n", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	fprintf(stderr, "posternctl: %s: %s; is posternd running, and is this its control_socket?\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int send_command(int fd, const char *command, const int *files, int file_count)
{
	struct wire_writer w = { 0 };
	size_t n;
	text_record_write(&w, RECORD_CONTROL, command);
	const void *record = wire_end(&w, &n);
	int rc = fdpass_send(fd, record, n, files, file_count, 0);
	wire_free(&w);
	return rc;
}

/* reload and stop answer in words; as JSON: what they said, and how it ended. */
static void print_words_as_json(int code, const char *words)
{
	GString *out = g_string_new(NULL);
	g_string_printf(out, "{\"exit_code\":%d,\"text\":", code);
	text_append_json(out, words, strlen(words));
	printf("%s}\n", out->str);
	g_string_free(out, TRUE);
}

static bool words_as_json;

/* "<exit code>\n<text>"; otherwise: the exit code where no answer comes. */
static int print_answer(int fd, int otherwise, bool scanned)
{
	void *owner = talloc_new(NULL);
	char *text = NULL;
	int code = otherwise;
	if (talk_receive_text(fd, owner, &text) == RECORD_ANSWER && text) {
		char *end = strchr(text, '\n');
		code = atoi(text);
		if (words_as_json)
			print_words_as_json(code, end ? end + 1 : "");
		else
			fputs(end ? end + 1 : "", code == 0 || scanned ? stdout : stderr);
	} else {
		fputs("posternctl: the daemon hung up without an answer\n", stderr);
	}
	talloc_free(owner);
	return code;
}

static int ask(const char *path, const char *command)
{
	int fd = connect_to(path);
	int code = fd >= 0 && send_command(fd, command, NULL, 0) == 0 ? print_answer(fd, 69, false) : 69;
	if (fd >= 0)
		close(fd);
	return code;
}

/* What the worker has written, however long it is. */
static void print_output(int output_fd)
{
	char buffer[65536];
	off_t at = 0;
	ssize_t n;
	for (; (n = pread(output_fd, buffer, sizeof buffer, at)) > 0; at += n)
		fwrite(buffer, 1, (size_t)n, stdout);
}

static int ask_scan(const char *path, const char *command, const char *file)
{
	int files[2] = { open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), memfd_create("answer", MFD_CLOEXEC) };
	int code = NOT_COMPLETED;
	if (files[0] < 0 || files[1] < 0) {
		fprintf(stderr, "posternctl: %s: %s\n", file, strerror(errno));
		return code;
	}
	int fd = connect_to(path);
	if (fd >= 0 && send_command(fd, command, files, 2) == 0)
		code = print_answer(fd, NOT_COMPLETED, true);
	print_output(files[1]);
	if (fd >= 0)
		close(fd);
	close(files[0]);
	close(files[1]);
	return code;
}

/* One after the other; infected tells more than not completed, and that more than clean. */
static int scan_files(const char *path, const char *command, char *const *files, int count, bool json)
{
	int worst = 0;
	for (int k = 0; k < count; k++) {
		if (count > 1 && !json)
			printf("%s%s: ", k ? "\n" : "", files[k]);
		fflush(stdout);
		int code = ask_scan(path, command, files[k]);
		worst = code == 1 || worst == 1 ? 1 : code > worst ? code : worst;
	}
	return worst;
}

/* What stands on the command line beside the command. */
struct words {
	GString *text;		/* of explain: what reception reads, a line each */
	unsigned count;
	bool json, tree;
};

static void add_word(struct words *w, const char *word, const char *value)
{
	g_string_append_printf(w->text, "\n%s=%s", word, value);
	w->count++;
}

static bool has_line_end(const struct words *w)
{
	unsigned lines = 0;
	for (const char *p = w->text->str; *p; p++)
		lines += *p == '\n';
	return lines != w->count;
}

/* What is asked, from the command line behind the options; NULL: no proper question. */
static char *command_of(int argc, char **argv, const struct words *w)
{
	const char *verb = argc > 0 ? argv[0] : "";
	bool scan = strcmp(verb, "scan") == 0, explain = strcmp(verb, "explain") == 0;
	if ((scan ? argc < 2 : argc != 1) || strlen(verb) > 32 || (w->count > 0) != explain || (w->tree && !scan))
		return NULL;
	if (explain)
		return w->text->len > COMMAND_MAX || has_line_end(w) ? NULL : g_strconcat(verb, w->text->str, w->json ? "\njson" : "", NULL);
	words_as_json = w->json && !scan && strcmp(verb, "status") != 0;
	return g_strconcat(verb, w->json && !words_as_json ? " json" : "", w->tree ? " tree" : "", NULL);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' }, { "socket", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' }, { "to", required_argument, NULL, 't' }, { "client", required_argument, NULL, 'c' },
		{ "interface", required_argument, NULL, 'i' }, { "tree", no_argument, NULL, 'T' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	const char *path = DEFAULT_SOCKET;
	struct words words = { .text = g_string_new(NULL) };
	int option;
	while ((option = getopt_long(argc, argv, "s:hV", longs, NULL)) != -1) {
		switch (option) {
		case 's': path = optarg; break;
		case 'j': words.json = true; break;
		case 'f': add_word(&words, "from", optarg); break;
		case 't': add_word(&words, "to", optarg); break;
		case 'c': add_word(&words, "client", optarg); break;
		case 'i': add_word(&words, "interface", optarg); break;
		case 'T': words.tree = true; break;
		case 'h': usage(stdout); return 0;
		case 'V': puts("posternctl " VERSION_TEXT); return 0;
		default: usage(stderr); return 64;
		}
	}
	/* Options may follow the command too; getopt has moved them in front. */
	char *command = command_of(argc - optind, argv + optind, &words);
	g_string_free(words.text, TRUE);
	if (!command) {
		usage(stderr);
		return 64;
	}
	bool scan = strncmp(command, "scan", 4) == 0;
	int code = scan ? scan_files(path, command, argv + optind + 1, argc - optind - 1, words.json) : ask(path, command);
	g_free(command);
	return code;
}
