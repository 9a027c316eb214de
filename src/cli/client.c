/* SPDX-License-Identifier: Apache-2.0 */
/* client: one HTTP/1.1 request on a unix socket, and its faults in words. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/clock.h"
#include "cli/client.h"
#include "io/channel.h"
#include "io/fd.h"
#include "proto/host_name.h"
#include "proto/http_head.h"

#include "base/poison.h"

#define ANSWER_BYTES_MAX (64u << 20)
#define TIMEOUT_MS 120000 /* an answer may wait for slow name servers */
#define LOOK_MS 500	  /* between two looks at what is waited for */
#define TEXT_BYTES_MAX 65536u

struct talk {
	int fd;
	struct mono deadline;
	struct sbuf in;
};

/* ---- where the socket is */

enum status client_settings(
	const struct cli *cli, struct settings **out, struct err *e)
{
	const char *file = cli->conf;

	if (file == NULL && access(SETTINGS_FILE, F_OK) == 0)
		file = SETTINGS_FILE;
	if (file != NULL)
		return settings_load(file, out, e);
	*out = settings_new();
	return ST_OK;
}

static enum status socket_path(
	struct cli *cli, const char *socket, const char **out, struct err *e)
{
	struct settings *set = NULL;
	enum status st = client_settings(cli, &set, e);

	if (st != ST_OK)
		return st;
	*out = settings_run_path(set, cli->arena, socket).p;
	settings_free(&set);
	return ST_OK;
}

/* *remedy: what to do if it fails. */
static enum status reach(struct cli *cli, const char *socket, int *fd,
	const char **remedy, struct err *e)
{
	const char *path;
	enum status st = socket_path(cli, socket, &path, e);

	*remedy = "correct the configuration file, or name another with -c";
	if (st != ST_OK)
		return st;
	st = channel_connect(path, fd, e);
	if (st == ST_PERM) {
		err_prefix(e, "not allowed");
		*remedy = "be root, or in the group of the socket";
	} else if (st != ST_OK && strcmp(socket, SETTINGS_POLICY_SOCKET) == 0) {
		err_prefix(e, "the role policy is not running here");
		*remedy = "name policy in server.roles and start moatd, or "
			  "name its configuration file with -c";
	} else if (st != ST_OK) {
		err_prefix(e, "moatd is not running here");
		*remedy = "start moatd, or name its configuration file "
			  "with -c";
	} else {
		*remedy = "see what the log of moatd says";
	}
	return st;
}

/* ---- request and answer */

static enum status write_all(struct talk *t, struct str s, struct err *e)
{
	struct pollfd w = { .fd = t->fd, .events = POLLOUT };
	ssize_t n;

	while (s.n > 0) {
		if (poll(&w, 1, channel_left_ms(t->deadline)) <= 0)
			return err_set(e, ST_TEMP, "moatd takes no request");
		n = send(t->fd, s.p, s.n, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return err_sys(e, ST_TEMP, errno, "moatd hung up");
		if (n > 0)
			s = str_from(s, (size_t)n);
	}
	return ST_OK;
}

static enum status read_all(struct talk *t, struct err *e)
{
	struct pollfd w = { .fd = t->fd, .events = POLLIN };
	char chunk[16384];
	ssize_t n;

	for (;;) {
		if (poll(&w, 1, channel_left_ms(t->deadline)) <= 0)
			return err_set(e, ST_TEMP, "no answer in time");
		n = read(t->fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, ST_TEMP, errno, "moatd hung up");
		if (n == 0)
			return ST_OK;
		sbuf_add(&t->in, (struct str){ chunk, (size_t)n });
		if (!sbuf_ok(&t->in))
			return err_set(e, ST_LIMIT, "the answer is too large");
	}
}

static struct str request_head(struct cli *cli, const struct client_call *c)
{
	struct sbuf b = sbuf_arena(cli->arena, TEXT_BYTES_MAX);

	sbuf_fmt(&b, "%s %.*s HTTP/1.1\r\nHost: moat\r\nConnection: close\r\n",
		c->method, STR_ARG(c->path));
	if (c->body.p != NULL)
		sbuf_fmt(&b, "Content-Type: %s\r\nContent-Length: %zu\r\n",
			c->content_type != NULL ? c->content_type
						: "application/json",
			c->body.n);
	sbuf_addz(&b, "\r\n");
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

static enum status read_answer(struct cli *cli, struct talk *t, int *code,
	const struct json **out, struct str *text, struct err *e)
{
	struct str all = sbuf_str(&t->in);
	struct http_response r;
	struct json *tree;
	size_t at = 0, n;
	enum status st = http_head_find(all, &at, &n);

	if (st != ST_OK)
		return err_set(e, ST_TEMP, "moatd broke off its answer");
	st = http_response_parse(str_upto(all, n), false, &r, e);
	*text = str_from(all, n);
	if (st == ST_OK)
		st = json_parse(cli->arena, *text,
			(struct json_limits){ 32, 10000000 }, &tree, NULL, e);
	if (st != ST_OK)
		return st;
	*code = r.code;
	*out = tree;
	return ST_OK;
}

enum status client_ask(struct cli *cli, const struct client_call *call,
	int *code, const struct json **out, const char **remedy, struct err *e)
{
	struct talk t = { .fd = -1,
		.in = sbuf_arena(cli->arena, ANSWER_BYTES_MAX) };
	struct str text;
	enum status st;

	t.deadline.ms = clock_mono(clock_system()).ms + TIMEOUT_MS;
	st = reach(cli,
		call->socket != NULL ? call->socket : SETTINGS_ADMIN_SOCKET,
		&t.fd, remedy, e);
	if (st == ST_OK)
		st = write_all(&t, request_head(cli, call), e);
	if (st == ST_OK && call->body.p != NULL)
		st = write_all(&t, call->body, e);
	if (st == ST_OK)
		st = read_all(&t, e);
	if (st == ST_OK)
		st = read_answer(cli, &t, code, out, &text, e);
	fd_close(&t.fd);
	return st;
}

/* ---- printing */

const char *client_text(
	struct cli *cli, const struct json *obj, const char *name)
{
	struct sbuf b = sbuf_arena(cli->arena, TEXT_BYTES_MAX * 4);
	struct str s = json_get_str(obj, name);

	sbuf_escaped(&b, str_upto(s, TEXT_BYTES_MAX));
	sbuf_addc(&b, '\0');
	BUG(!sbuf_ok(&b));
	return b.p;
}

int64_t client_int(const struct json *obj, const char *name)
{
	int64_t n = 0;

	return json_i64(json_get(obj, name), INT64_MIN, INT64_MAX, &n) == ST_OK
		       ? n
		       : 0;
}

const char *client_time(struct cli *cli, int64_t t)
{
	struct utc_date d = utc_date_of((struct unix_time){ t });

	if (t == 0)
		return "never";
	return arena_fmt(cli->arena, "%04d-%02d-%02d %02d:%02d:%02d UTC",
		d.year, d.month, d.day, d.hour, d.minute, d.second)
		.p;
}

static void print_problem(struct cli *cli, const struct json *p)
{
	const char *detail = client_text(cli, p, "detail");
	const char *remedy = client_text(cli, p, "remedy");

	(void)fprintf(cli->err, "%s: %s%s%s\n", cli->name, cli_red(cli),
		client_text(cli, p, "title"), cli_plain(cli));
	if (detail[0] != '\0')
		(void)fprintf(cli->err, "  %s\n", detail);
	if (remedy[0] != '\0')
		(void)fprintf(cli->err, "  What to do: %s.\n", remedy);
}

int client_do(struct cli *cli, const struct client_call *call,
	const struct json **out)
{
	const char *remedy = NULL;
	struct err e = {};
	int code = 0;

	if (client_ask(cli, call, &code, out, &remedy, &e) != ST_OK)
		return cli_failed_remedy(cli, &e, remedy);
	if (cli->json && (code >= 400 || !call->quiet))
		cli_json_tree(cli, *out);
	if (code < 400)
		return CLI_GOOD;
	if (!cli->json)
		print_problem(cli, *out);
	return code >= 500 ? CLI_UNTESTED : CLI_ERRORS;
}

int client_wait(struct cli *cli, struct str path,
	bool (*waits)(const struct json *answer), int seconds,
	const struct json **out)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	struct client_call call = {
		.method = "GET", .path = path, .quiet = true
	};
	int code = client_do(cli, &call, out);

	for (int ms = 0; code == CLI_GOOD && waits(*out) && ms < seconds * 1000;
		ms += LOOK_MS) {
		(void)nanosleep(&pause, NULL);
		code = client_do(cli, &call, out);
	}
	if (code == CLI_GOOD && cli->json)
		cli_json_tree(cli, *out);
	return code;
}

struct str client_domain_path(
	struct cli *cli, const char *domain, const char *verb)
{
	struct err e = {};
	struct str name;

	if (host_name_parse(cli->arena, str_of(domain), &name, &e) != ST_OK) {
		(void)cli_usage(cli, "%s: %s", domain, e.text);
		return (struct str){};
	}
	return arena_fmt(cli->arena, "/api/v1/domains/%.*s%s%s", STR_ARG(name),
		verb != NULL ? "/" : "", verb != NULL ? verb : "");
}
