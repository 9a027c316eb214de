/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_check: whether settings that are each right make sense together.
 * Each finding is one sentence with the key, why, and what to do.
 */
#pragma once

#include <stddef.h>

struct settings;

enum settings_level {
	SETTINGS_NOTE,	  /* something to be done elsewhere */
	SETTINGS_WARNING, /* moatd runs, but something will not work */
	SETTINGS_ERROR,	  /* moatd does not start with it */
};

/* "note", "warning", "error". */
const char *settings_level_name(enum settings_level level);

typedef void settings_say(
	void *ctx, enum settings_level level, const char *text);

/*
 * Tells say of everything that is amiss; roles are the names of those there
 * are, ended by NULL. Returns the number of errors.
 */
size_t settings_check(const struct settings *s, const char *const *roles,
	settings_say *say, void *ctx);
