/* SPDX-License-Identifier: Apache-2.0 */
/* log: events as lines, each written with one write(2). */
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sbuf.h"

#include "base/poison.h"

#define LINE_MAX_BYTES 4096

static enum log_level min_level = LOG_INFO;
static const char *role_word;
static void (*sink_fn)(void *ctx, struct str line);
static void *sink_ctx;

void log_set_level(enum log_level level)
{
	min_level = level;
}

void log_set_role(const char *role)
{
	role_word = role;
}

void log_set_sink(void (*fn)(void *ctx, struct str line), void *ctx)
{
	sink_fn = fn;
	sink_ctx = ctx;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
		return "info";
	case LOG_WARN:
		return "warn";
	case LOG_ERROR:
		return "error";
	}
	return "?";
}

static bool needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' ||
			s.p[i] == '\\' || s.p[i] == '=')
			return true;
	return s.n == 0;
}

static void write_kv(struct sbuf *b, const struct log_kv *kv)
{
	sbuf_fmt(b, " %s=", kv->key);
	if (kv->type == LOG_KV_INT) {
		sbuf_fmt(b, "%lld", (long long)kv->num);
	} else if (needs_quotes(kv->str)) {
		sbuf_addc(b, '"');
		sbuf_escaped(b, str_upto(kv->str, LINE_MAX_BYTES / 8));
		sbuf_addc(b, '"');
	} else {
		sbuf_add(b, str_upto(kv->str, LINE_MAX_BYTES / 8));
	}
}

void log_event(enum log_level level, const char *event, const struct log_kv *kv,
	size_t n)
{
	char line[LINE_MAX_BYTES + 1];
	struct sbuf b = sbuf_fixed(line, LINE_MAX_BYTES);
	size_t head;
	struct str s;

	if (level < min_level)
		return;
	utc_write(&b, clock_now(clock_system()));
	sbuf_addc(&b, ' ');
	head = b.n;
	sbuf_fmt(&b, "%-5s %s", level_name(level), event);
	if (role_word != NULL)
		sbuf_fmt(&b, " role=%s", role_word);
	for (size_t i = 0; i < n; i++)
		write_kv(&b, &kv[i]);
	s = sbuf_str(&b);
	if (sink_fn != NULL) {
		sink_fn(sink_ctx, str_from(s, head));
		return;
	}
	line[s.n] = '\n';
	if (write(STDERR_FILENO, line, s.n + 1) < 0)
		return; /* nobody is left to be told */
}
