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
	fputs("usage: posternctl [-s SOCKET] [--json] status | reload | stop | scan FILE\n"
		"       posternctl [-s SOCKET] [--json] explain --from ADDRESS --to ADDRESS... [--client IP] [--interface PORT|ADDRESS:PORT|PATH]\n"
		"  -s SOCKET  the setting control_socket of the daemon (" DEFAULT_SOCKET ")\n"
		"scan FILE (a mail or any file) asks every scanner; exit code 0: clean, 1: infected, 2: not completed\n"
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

static int send_command(int fd, const char *command, int file_fd)
{
	struct wire_writer w = { 0 };
	size_t n;
	text_record_write(&w, RECORD_CONTROL, command);
	const void *record = wire_end(&w, &n);
	int rc = fdpass_send(fd, record, n, &file_fd, file_fd >= 0, 0);
	wire_free(&w);
	return rc;
}

/* "<exit code>\n<text>"; otherwise: the exit code where no answer comes. */
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

static int ask(const char *path, const char *command, const char *file)
{
	int otherwise = file ? NOT_COMPLETED : 69;
	int file_fd = file ? open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	if (file && file_fd < 0) {
		fprintf(stderr, "posternctl: %s: %s\n", file, strerror(errno));
		return otherwise;
	}
	int fd = connect_to(path);
	int code = fd >= 0 && send_command(fd, command, file_fd) == 0 ? print_answer(fd, otherwise, file) : otherwise;
	if (fd >= 0)
		close(fd);
	if (file_fd >= 0)
		close(file_fd);
	return code;
}

/* The words of explain, a line each: what reception reads. */
static void add_word(GString *command, const char *word, const char *value)
{
	g_string_append_printf(command, "\n%s=%s", word, value);
}

static bool has_line_end(const GString *command, unsigned words)
{
	unsigned lines = 0;
	for (const char *p = command->str; *p; p++)
		lines += *p == '\n';
	return lines != words;
}

/* What is asked, from the command line behind the options; NULL: no proper question. */
static char *command_of(int argc, char **argv, GString *words, unsigned word_count, bool json)
{
	const char *verb = argc > 0 ? argv[0] : "";
	bool scan = strcmp(verb, "scan") == 0, explain = strcmp(verb, "explain") == 0;
	if (argc != (scan ? 2 : 1) || strlen(verb) > 32 || (word_count > 0) != explain)
		return NULL;
	if (explain)
		return words->len > COMMAND_MAX || has_line_end(words, word_count) ? NULL : g_strconcat(verb, words->str, json ? "\njson" : "", NULL);
	words_as_json = json && !scan && strcmp(verb, "status") != 0;
	return g_strconcat(verb, json && !words_as_json ? " json" : "", NULL);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' }, { "socket", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' }, { "to", required_argument, NULL, 't' }, { "client", required_argument, NULL, 'c' },
		{ "interface", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	const char *path = DEFAULT_SOCKET;
	GString *words = g_string_new(NULL);
	unsigned word_count = 0;
	bool json = false;
	int option;
	while ((option = getopt_long(argc, argv, "s:hV", longs, NULL)) != -1) {
		switch (option) {
		case 's': path = optarg; break;
		case 'j': json = true; break;
		case 'f': add_word(words, "from", optarg); word_count++; break;
		case 't': add_word(words, "to", optarg); word_count++; break;
		case 'c': add_word(words, "client", optarg); word_count++; break;
		case 'i': add_word(words, "interface", optarg); word_count++; break;
		case 'h': usage(stdout); return 0;
		case 'V': puts("posternctl " VERSION_TEXT); return 0;
		default: usage(stderr); return 64;
		}
	}
	/* Options may follow the command too; getopt has moved them in front. */
	char *command = command_of(argc - optind, argv + optind, words, word_count, json);
	g_string_free(words, TRUE);
	if (!command) {
		usage(stderr);
		return 64;
	}
	int code = ask(path, command, strncmp(command, "scan", 4) == 0 ? argv[optind + 1] : NULL);
	g_free(command);
	return code;
}
