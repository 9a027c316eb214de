/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: calls of the running system over a socket in the run directory of
 * moat.conf: of the API over the admin socket, or of a role's control socket.
 */
#pragma once

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"

struct settings;

/*
 * The settings of -c FILE, else of /etc/moat/moat.conf, else the defaults; the
 * caller frees them. Statuses as settings_load.
 */
enum status client_settings(
	const struct cli *cli, struct settings **out, struct err *e);

struct client_call {
	const char *socket;	  /* SETTINGS_..._SOCKET; NULL: the API's */
	const char *method;	  /* "GET" */
	struct str path;	  /* "/api/v1/status?x=y"; already encoded */
	struct str body;	  /* JSON, or a report; p == NULL: none */
	const char *content_type; /* NULL: application/json */
	bool quiet;		  /* --json does not print a good answer */
};

/*
 * Makes the call. CLI_GOOD: *out is the answer. Otherwise the fault has been
 * printed to cli->err, with what to do about it, and the exit code is
 * returned: CLI_ERRORS when moatd refused, CLI_UNTESTED when it was not to be
 * reached or failed itself. With --json the answer, the problem document or
 * the error has been printed to cli->out.
 */
int client_do(struct cli *cli, const struct client_call *call,
	const struct json **out);

/*
 * Asks for path until waits no longer holds of the answer, for at most so many
 * seconds; *out is the last answer, which --json prints. Codes as client_do.
 */
int client_wait(struct cli *cli, struct str path,
	bool (*waits)(const struct json *answer), int seconds,
	const struct json **out);

/*
 * The same as client_do without a word: ST_OK with the HTTP status and the
 * answer, or what is wrong and what to do about it.
 */
enum status client_ask(struct cli *cli, const struct client_call *call,
	int *code, const struct json **out, const char **remedy, struct err *e);

/*
 * "/api/v1/domains/NAME/verb" (verb may be NULL) with the name checked and
 * lower-cased; p == NULL, after a message, if it is no domain name.
 */
struct str client_domain_path(
	struct cli *cli, const char *domain, const char *verb);

/* ---- what the commands print from answers */

/* The string member as escaped text; "" if it is not there. */
const char *client_text(
	struct cli *cli, const struct json *obj, const char *name);
int64_t client_int(const struct json *obj, const char *name);

/* "2026-11-21 19:40:00 UTC"; "never" for 0. */
const char *client_time(struct cli *cli, int64_t t);
