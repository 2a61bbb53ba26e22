/* main.c - chooses the role that this process plays and runs it; nothing else. */
#include "config.h"
int main(void)
{
	return 0;
}
