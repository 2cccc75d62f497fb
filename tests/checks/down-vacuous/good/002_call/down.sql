SELECT uninstall();
