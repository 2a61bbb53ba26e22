/* posternctl.c - asks the master over its control socket and prints the answer. */
int main(void)
{
	return 0;
}
