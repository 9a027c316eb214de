/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor: children, their states, and the three signals. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/child.h"
#include "daemon/folders.h"
#include "daemon/notify_socket.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "daemon/sockets.h"
#include "daemon/supervisor.h"
#include "io/fd.h"
#include "io/loop.h"

#include "base/poison.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 30000
#define STEADY_MS 60000 /* up for so long: the next crash is a first one */
#define STATUS_MAX_BYTES (1u << 20)

enum child_state {
	CHILD_WAITING,	/* not running; its timer starts it */
	CHILD_STARTING, /* running, not yet ready */
	CHILD_UP,
	CHILD_STOPPING, /* told to stop; its timer kills it */
};

static const char *const state_names[] = { "waiting", "starting", "up",
	"stopping" };

struct child {
	struct child *next;
	struct supervisor *sup;
	const struct role *role;
	unsigned worker, workers;
	bool wanted; /* start it again when it ends */
	enum child_state state;
	pid_t pid; /* 0: not running */
	int ready_fd;
	struct loop_io ready;
	struct loop_timer timer; /* to start, or to kill */
	int64_t backoff_ms;
	struct mono started;
	struct unix_time since; /* of the state */
	int64_t restarts;
	char last_end[64]; /* how the last process ended */
};

struct supervisor {
	const char *path;
	struct settings *set;
	struct loop *loop;
	struct sockets sockets;
	struct owner owner;
	struct child *children;
	struct loop_signal term, interrupt, hangup, child_end;
	bool stopping;
	bool said_ready;
	int lock_fd;
};

static void start_child(void *ctx);

/* ---- status file */

static void write_status_json(const struct supervisor *s, struct sbuf *b)
{
	struct json_writer w = json_writer_of(b, 1);

	json_open_object(&w, NULL);
	json_put_z(&w, "version", MOAT_VERSION);
	json_put_int(&w, "pid", getpid());
	json_open_array(&w, "roles");
	for (const struct child *c = s->children; c != NULL; c = c->next) {
		json_open_object(&w, NULL);
		json_put_z(&w, "role", c->role->name);
		json_put_int(&w, "worker", c->worker);
		json_put_z(&w, "state", state_names[c->state]);
		json_put_int(&w, "pid", c->pid);
		json_put_int(&w, "since", c->since.s);
		json_put_int(&w, "restarts", c->restarts);
		json_put_z(&w, "last_end", c->last_end);
		json_close_object(&w);
	}
	json_close_array(&w);
	json_close_object(&w);
	sbuf_addc(b, '\n');
}

/* The file is only for people to look at: failing is no reason to stop. */
static void publish_status(const struct supervisor *s)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, STATUS_MAX_BYTES);
	struct str path = settings_run_path(s->set, a, SETTINGS_STATUS);
	struct str tmp = arena_fmt(a, "%s.new", path.p);
	int fd = open(tmp.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	write_status_json(s, &b);
	if (fd >= 0 && (write(fd, b.p, b.n) != (ssize_t)b.n ||
			       rename(tmp.p, path.p) < 0))
		LOG(LOG_WARN, "status.unwritten", KV_STR("path", path));
	fd_close(&fd);
	arena_free(&a);
}

static void set_state(struct child *c, enum child_state state)
{
	c->state = state;
	c->since = clock_now(clock_system());
	publish_status(c->sup);
}

/* ---- life of a child */

static void say_ready_once(struct supervisor *s)
{
	if (s->said_ready)
		return;
	for (const struct child *c = s->children; c != NULL; c = c->next)
		if (c->state != CHILD_UP)
			return;
	s->said_ready = true;
	LOG(LOG_INFO, "moatd.ready", KV_Z("version", MOAT_VERSION));
	notify_socket_ready();
}

static void forget_ready(struct child *c)
{
	loop_io_stop(&c->ready);
	fd_close(&c->ready_fd);
}

static void on_ready(void *ctx, unsigned ready)
{
	struct child *c = ctx;
	char byte;
	bool up = read(c->ready_fd, &byte, 1) == 1;

	(void)ready;
	forget_ready(c);
	if (!up || c->state != CHILD_STARTING)
		return; /* it ended; SIGCHLD tells the rest */
	LOG(LOG_INFO, "role.up", KV_Z("name", c->role->name),
		KV_INT("worker", c->worker), KV_INT("pid", c->pid));
	set_state(c, CHILD_UP);
	say_ready_once(c->sup);
}

static void restart_later(struct child *c)
{
	loop_timer_start(
		&c->timer, c->sup->loop, c->backoff_ms, start_child, c);
	set_state(c, CHILD_WAITING);
	c->backoff_ms = c->backoff_ms * 2 < BACKOFF_MAX_MS ? c->backoff_ms * 2
							   : BACKOFF_MAX_MS;
}

static void start_child(void *ctx)
{
	struct child *c = ctx;
	struct child_plan plan = { c->role, c->worker, c->workers, c->sup->path,
		&c->sup->sockets };
	struct err e = {};

	if (child_start(&plan, &c->pid, &c->ready_fd, &e) != ST_OK) {
		LOG(LOG_ERROR, "role.not_started", KV_Z("name", c->role->name),
			KV_Z("reason", e.text));
		restart_later(c);
		return;
	}
	c->started = loop_now(c->sup->loop);
	loop_io_start(
		&c->ready, c->sup->loop, c->ready_fd, LOOP_READ, on_ready, c);
	set_state(c, CHILD_STARTING);
}

static void kill_child(void *ctx)
{
	struct child *c = ctx;

	LOG(LOG_WARN, "role.killed", KV_Z("name", c->role->name),
		KV_INT("worker", c->worker), KV_INT("pid", c->pid));
	(void)kill(c->pid, SIGKILL);
}

static void stop_child(struct child *c)
{
	if (c->pid == 0) {
		loop_timer_stop(&c->timer);
		return;
	}
	if (c->state == CHILD_STOPPING)
		return;
	(void)kill(c->pid, SIGTERM);
	loop_timer_start(&c->timer, c->sup->loop,
		settings_int(c->sup->set, "server.stop_time") * 1000,
		kill_child, c);
	set_state(c, CHILD_STOPPING);
}

static void free_child(struct child *c)
{
	loop_timer_stop(&c->timer);
	forget_ready(c);
	mem_free(c);
}

/* Takes c out of the list and frees it. */
static void drop_child(struct child *c)
{
	struct child **at = &c->sup->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	free_child(c);
}

static void describe_end(struct child *c, int status)
{
	struct sbuf b = sbuf_fixed(c->last_end, sizeof(c->last_end) - 1);

	if (WIFSIGNALED(status))
		sbuf_fmt(&b, "signal %s", sigabbrev_np(WTERMSIG(status)));
	else
		sbuf_fmt(&b, "exit %d", WEXITSTATUS(status));
	c->last_end[b.n] = '\0';
}

static void child_ended(struct child *c, int status)
{
	struct supervisor *s = c->sup;
	bool expected = c->state == CHILD_STOPPING;
	/* One that wants to begin anew ends by itself, and says why. */
	bool well = expected || (WIFEXITED(status) && WEXITSTATUS(status) == 0);

	describe_end(c, status);
	LOG(well ? LOG_INFO : LOG_ERROR, well ? "role.stopped" : "role.crashed",
		KV_Z("name", c->role->name), KV_INT("worker", c->worker),
		KV_INT("pid", c->pid), KV_Z("end", c->last_end));
	c->pid = 0;
	forget_ready(c);
	loop_timer_stop(&c->timer);
	if (s->stopping || !c->wanted) {
		drop_child(c);
		publish_status(s);
		if (s->stopping && s->children == NULL)
			loop_stop(s->loop);
		return;
	}
	c->restarts += !expected;
	if (expected || loop_now(s->loop).ms - c->started.ms >= STEADY_MS)
		c->backoff_ms = BACKOFF_FIRST_MS;
	if (expected)
		start_child(c);
	else
		restart_later(c);
}

static void on_child_end(void *ctx)
{
	struct supervisor *s = ctx;
	struct child *c;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (c = s->children; c != NULL && c->pid != pid; c = c->next)
			;
		if (c != NULL)
			child_ended(c, status);
	}
}

/* ---- which children there are to be */

static unsigned workers_of(const struct settings *set, const struct role *role)
{
	int64_t n = role->workers == NULL ? 1
					  : settings_int(set, role->workers);

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : (unsigned)n;
}

static struct child *find_child(
	struct supervisor *s, const struct role *role, unsigned worker)
{
	struct child *c = s->children;

	while (c != NULL && (c->role != role || c->worker != worker))
		c = c->next;
	return c;
}

static void want_child(
	struct supervisor *s, const struct role *role, unsigned i, unsigned n)
{
	struct child *c = find_child(s, role, i), **end = &s->children;

	if (c != NULL) {
		c->wanted = true;
		c->workers = n;
		return;
	}
	c = mem_must(sizeof(*c));
	*c = (struct child){ .sup = s,
		.role = role,
		.worker = i,
		.workers = n,
		.wanted = true,
		.ready_fd = -1,
		.backoff_ms = BACKOFF_FIRST_MS };
	while (*end != NULL)
		end = &(*end)->next;
	*end = c;
}

static void keep_error(void *ctx, enum settings_level level, const char *text)
{
	if (level == SETTINGS_ERROR)
		(void)err_set(ctx, ST_INVALID, "%s", text);
}

/* At the start main has looked already; not so when they are read again. */
static enum status check_settings(const struct settings *set, struct err *e)
{
	return roles_check(set, keep_error, e) == 0 ? ST_OK : ST_INVALID;
}

/* Opens the sockets of set, taking over those of from. */
static enum status open_sockets(struct supervisor *s,
	const struct settings *set, struct sockets *from, struct sockets *out,
	struct err *e)
{
	enum status st = check_settings(set, e);

	for (const struct role *const *r = roles; st == ST_OK && *r != NULL;
		r++)
		if (role_chosen(set, *r))
			st = sockets_open(out, *r, workers_of(set, *r), set,
				s->owner, from, e);
	return st;
}

static void want_children(struct supervisor *s)
{
	for (struct child *c = s->children; c != NULL; c = c->next)
		c->wanted = false;
	for (const struct role *const *r = roles; *r != NULL; r++) {
		unsigned n = workers_of(s->set, *r);

		for (unsigned i = 0; role_chosen(s->set, *r) && i < n; i++)
			want_child(s, *r, i, n);
	}
}

/* ---- signals */

static void on_stop(void *ctx)
{
	struct supervisor *s = ctx;
	struct child *next;

	if (s->stopping)
		return;
	s->stopping = true;
	LOG(LOG_INFO, "moatd.stopping");
	notify_socket_stopping();
	for (struct child *c = s->children; c != NULL; c = next) {
		next = c->next;
		stop_child(c);
		if (c->pid == 0)
			drop_child(c);
	}
	if (s->children == NULL)
		loop_stop(s->loop);
}

/* Puts what was moved back where it was. */
static void give_back(struct sockets *from, struct sockets *old)
{
	for (size_t i = 0; i < old->n; i++)
		for (size_t j = 0; old->items[i].fd < 0 && j < from->n; j++) {
			struct bound *a = &old->items[i], *b = &from->items[j];

			if (a->role != b->role || a->worker != b->worker ||
				strcmp(a->name, b->name) != 0 ||
				a->datagram != b->datagram ||
				!str_eq(a->where, b->where))
				continue;
			a->fd = b->fd;
			b->fd = -1;
		}
}

static void restart_all(struct supervisor *s)
{
	struct child *next;

	want_children(s);
	for (struct child *c = s->children; c != NULL; c = next) {
		next = c->next;
		c->backoff_ms = BACKOFF_FIRST_MS;
		if (c->pid != 0) {
			stop_child(c);
			continue;
		}
		loop_timer_stop(&c->timer);
		if (c->wanted)
			start_child(c);
		else
			drop_child(c);
	}
}

static void on_hangup(void *ctx)
{
	struct supervisor *s = ctx;
	struct settings *set = NULL;
	struct sockets fresh = {};
	struct err e = {};

	if (s->stopping)
		return;
	if (s->path == NULL)
		set = settings_new();
	else if (settings_load(s->path, &set, &e) != ST_OK)
		goto refused;
	if (!str_eq(settings_str(set, "server.run_dir"),
		    settings_str(s->set, "server.run_dir"))) {
		(void)err_set(&e, ST_INVALID,
			"server.run_dir cannot change while moatd runs");
		goto refused;
	}
	if (open_sockets(s, set, &s->sockets, &fresh, &e) != ST_OK) {
		give_back(&fresh, &s->sockets);
		sockets_close(&fresh);
		goto refused;
	}
	sockets_close(&s->sockets);
	s->sockets = fresh;
	settings_free(&s->set);
	s->set = set;
	LOG(LOG_INFO, "moatd.reread");
	restart_all(s);
	return;
refused:
	LOG(LOG_ERROR, "moatd.reread_refused", KV_Z("reason", e.text));
	settings_free(&set);
}

/* ---- start and end */

static void watch_signals(struct supervisor *s)
{
	loop_signal_start(&s->term, s->loop, SIGTERM, on_stop, s);
	loop_signal_start(&s->interrupt, s->loop, SIGINT, on_stop, s);
	loop_signal_start(&s->hangup, s->loop, SIGHUP, on_hangup, s);
	loop_signal_start(&s->child_end, s->loop, SIGCHLD, on_child_end, s);
}

static void unwatch_signals(struct supervisor *s)
{
	loop_signal_stop(&s->term);
	loop_signal_stop(&s->interrupt);
	loop_signal_stop(&s->hangup);
	loop_signal_stop(&s->child_end);
}

enum status supervisor_run(
	const char *path, struct settings **set, struct err *e)
{
	struct supervisor s = { .path = path,
		.set = *set,
		.owner = { (uid_t)-1, (gid_t)-1 },
		.lock_fd = -1 };
	enum status st;

	*set = NULL;
	s.loop = loop_new();
	st = folders_make(s.set, &s.owner, e);
	if (st == ST_OK)
		st = folders_lock(s.set, &s.lock_fd, e);
	if (st == ST_OK)
		st = folders_make_key(s.set, s.owner, e);
	if (st == ST_OK)
		st = open_sockets(&s, s.set, NULL, &s.sockets, e);
	if (st == ST_OK) {
		watch_signals(&s);
		want_children(&s);
		for (struct child *c = s.children; c != NULL; c = c->next)
			start_child(c);
		loop_run(s.loop);
		LOG(LOG_INFO, "moatd.stopped");
		unwatch_signals(&s);
	}
	BUG(s.children != NULL);
	sockets_close(&s.sockets);
	folders_unlock(s.set, &s.lock_fd);
	loop_free(&s.loop);
	settings_free(&s.set);
	return st;
}
