SELECT install();
