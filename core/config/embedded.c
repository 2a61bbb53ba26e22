/* embedded.c - the configuration of a daemon that was given no file: an SMTP filter in front of port 10025 of this host. */
#include "config.h"

#include "config/config.h"

const char *const config_embedded_default =
	"listen_sockets = { \"127.0.0.1:10024\", \"[::1]:10024\" }\n"
	"forward_method = \"smtp:[127.0.0.1]:10025\"\n"
	"QUARANTINEDIR = MYHOME .. \"/quarantine\"\n"
	"av_scanners = { clamav { } }\n";
