create procedure p() language javascript as $js$ let a = "$$"; // it's
 begin; $js$; drop procedure p