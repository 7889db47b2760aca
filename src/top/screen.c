/* SPDX-License-Identifier: MIT */
/* top/screen.c - the terminal, by ncurses */
#include "top/top.h"

#ifdef WEIR_HAVE_NCURSES
#include <curses.h>
#include <locale.h>
#include <unistd.h>

const char top_screen_kind[] = "ncurses";

bool top_screen_begin(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return false;
	setlocale(LC_ALL, "");
	if (!initscr())
		return false;
	cbreak();
	noecho();
	curs_set(0);
	return true;
}

bool top_screen_show(const char *text, double seconds)
{
	erase();
	/* What does not fit is cut off, line by line. */
	for (int y = 0; *text && y < LINES; y++) {
		const char *end = text;

		while (*end && *end != '\n')
			end++;
		mvaddnstr(y, 0, text,
			  end - text < COLS ? (int)(end - text) : COLS);
		text = *end ? end + 1 : end;
	}
	refresh();
	timeout((int)(seconds * 1000));
	return getch() != 'q';
}

void top_screen_end(void)
{
	endwin();
}
#else
const char top_screen_kind[] = "none";

bool top_screen_begin(void)
{
	return false;
}

bool top_screen_show(const char *text, double seconds)
{
	(void)text;
	(void)seconds;
	return false;
}

void top_screen_end(void)
{
}
#endif
