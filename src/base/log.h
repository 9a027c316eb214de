/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line per event on standard error, "time level event.name key=value".
 *
 *     LOG(LOG_WARN, "spool.full", KV_STR("id", id), KV_INT("bytes", n));
 *
 * Values pass through the escaping printer, so no outside text can forge a
 * line. Never log secrets. Tests read events through log_set_sink.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_kv {
	const char *key;
	struct str str;
	int64_t num;
	enum { LOG_KV_STR, LOG_KV_INT } type;
};

#define KV_STR(k, v)                                                           \
	((struct log_kv){ .key = (k), .str = (v), .type = LOG_KV_STR })
#define KV_Z(k, v) KV_STR((k), str_of(v))
#define KV_INT(k, v)                                                           \
	((struct log_kv){ .key = (k), .num = (v), .type = LOG_KV_INT })

void log_event(enum log_level level, const char *event, const struct log_kv *kv,
	size_t n);

#define LOG(level, event, ...)                                                 \
	log_event((level), (event), (const struct log_kv[]){ __VA_ARGS__ },    \
		sizeof((const struct log_kv[]){ __VA_ARGS__ }) /               \
			sizeof(struct log_kv))

/* Events below this level are not written; LOG_INFO at the start. */
void log_set_level(enum log_level level);

/* A word put into every line as role=word, or NULL for none (borrowed). */
void log_set_role(const char *role);

/* For tests: lines (without time and newline) go to fn; NULL undoes it. */
void log_set_sink(void (*fn)(void *ctx, struct str line), void *ctx);
